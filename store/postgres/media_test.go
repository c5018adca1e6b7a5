package postgres_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bedside/store"
)

// roomy is a quota that no test uses up.
var roomy = store.MediaQuota{Files: 1000, Bytes: 1 << 30}

// picture returns a medium that is not saved, with one file of the content.
func picture(owner string, kind store.MediaKind, content string) store.Media {
	return store.Media{
		OwnerID: owner, Kind: kind, Alt: "A kitchen",
		Files: []store.MediaFile{{
			Size: store.MediaLarge, Key: store.MediaKey(sha256.Sum256([]byte(content)), "jpg"),
			Type: "image/jpeg", Bytes: int64(len(content)), Width: 4, Height: 3,
		}},
	}
}

// newPicture saves a medium.
func newPicture(t *testing.T, owner string, kind store.MediaKind, content string) store.Media {
	t.Helper()
	m := picture(owner, kind, content)
	if err := db.ReserveMediaFiles(t.Context(), []string{m.Files[0].Key}); err != nil {
		t.Fatal(err)
	}
	m, err := db.CreateMedia(t.Context(), m, roomy)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMediaRoundTrip(t *testing.T) {
	u := newUser(t, store.RoleTutor)
	m := picture(u.ID, store.MediaLine, "a line of "+u.ID)
	m.Duration, m.Loudness = 2500*time.Millisecond, -22.9
	m.Files = append(m.Files, m.Files[0])
	m.Files[0].Size = store.MediaSmall
	if err := db.ReserveMediaFiles(t.Context(), []string{m.Files[0].Key}); err != nil {
		t.Fatal(err)
	}
	made, err := db.CreateMedia(t.Context(), m, roomy)
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Media(t.Context(), made.ID)
	if err != nil || got.Duration != m.Duration || got.Loudness != m.Loudness ||
		got.OwnerID != u.ID || got.Kind != m.Kind || got.Alt != m.Alt || got.Public ||
		!slices.Equal(got.Files, m.Files) || !got.CreatedAt.Equal(made.CreatedAt) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := db.Media(t.Context(), "x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestMediaQuotaIsExact(t *testing.T) {
	u := newUser(t, store.RoleTutor)
	var made atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		m := picture(u.ID, store.MediaScenario, u.ID+string(rune('a'+i)))
		if err := db.ReserveMediaFiles(t.Context(), []string{m.Files[0].Key}); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			_, err := db.CreateMedia(t.Context(), m, store.MediaQuota{Files: 3, Bytes: 1 << 20})
			if err == nil {
				made.Add(1)
			} else if !errors.Is(err, store.ErrLimit) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() != 3 {
		t.Errorf("%d were saved, the quota is 3", made.Load())
	}
	m := picture(u.ID, store.MediaScenario, u.ID)
	if _, err := db.CreateMedia(t.Context(), m,
		store.MediaQuota{Files: 9, Bytes: 10}); !errors.Is(err, store.ErrLimit) {
		t.Errorf("got %v", err)
	}
}

// TestSharedMediaFileGoesWithItsLastMedium deletes two media with the same content.
func TestSharedMediaFileGoesWithItsLastMedium(t *testing.T) {
	u := newUser(t, store.RoleTutor)
	first := newPicture(t, u.ID, store.MediaScenario, "shared by "+u.ID)
	second := newPicture(t, u.ID, store.MediaScenario, "shared by "+u.ID)
	key, removals := first.Files[0].Key, 0
	remove := func() bool {
		t.Helper()
		removed, err := db.RemoveMediaFile(t.Context(), key, func(context.Context) error {
			removals++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return removed
	}
	for i, m := range []store.Media{first, second} {
		if remove() {
			t.Errorf("removed while %d media have it", 2-i)
		}
		if err := db.DeleteMedia(t.Context(), m.ID, func(store.Media) (store.Effects, error) {
			return store.Effects{}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(query(t, `SELECT id::text FROM river_job WHERE kind = 'remove-media'
		AND args::text LIKE '%' || $1 || '%'`, key)) != 2 {
		t.Error("no jobs remove the file")
	}
	if !remove() || removals != 1 {
		t.Errorf("the file was removed %d times", removals)
	}
	// What could not be removed stays known.
	if err := db.ReserveMediaFiles(t.Context(), []string{key}); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("no space")
	if _, err := db.RemoveMediaFile(t.Context(), key, func(context.Context) error {
		return refused
	}); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	if unknown, err := db.UnknownMediaFiles(t.Context(), []string{key, "media/x"}); err != nil ||
		!slices.Equal(unknown, []string{"media/x"}) {
		t.Errorf("unknown %q, %v", unknown, err)
	}
}

// TestMediaFileRemovedDuringAnUpload removes a file between its reservation and its medium.
func TestMediaFileRemovedDuringAnUpload(t *testing.T) {
	u := newUser(t, store.RoleTutor)
	m := picture(u.ID, store.MediaScenario, "raced by "+u.ID)
	key := m.Files[0].Key
	if err := db.ReserveMediaFiles(t.Context(), []string{key}); err != nil {
		t.Fatal(err)
	}
	if removed, err := db.RemoveMediaFile(t.Context(), key, func(context.Context) error {
		return nil
	}); err != nil || !removed {
		t.Fatalf("%v, %v", removed, err)
	}
	if _, err := db.CreateMedia(t.Context(), m, roomy); !errors.Is(err, store.ErrState) {
		t.Errorf("got %v", err)
	}
}

// TestMediaUploadsAndRemovalsAgree uploads and deletes the same picture from many goroutines, and
// checks that there is a file whenever a medium refers to it.
func TestMediaUploadsAndRemovalsAgree(t *testing.T) {
	u := newUser(t, store.RoleTutor)
	m := picture(u.ID, store.MediaScenario, "fought over by "+u.ID)
	key := m.Files[0].Key
	var there atomic.Bool // whether the file is in the blob store
	upload := func() (string, error) {
		for {
			if err := db.ReserveMediaFiles(t.Context(), []string{key}); err != nil {
				return "", err
			}
			there.Store(true)
			made, err := db.CreateMedia(t.Context(), m, roomy)
			if !errors.Is(err, store.ErrState) {
				return made.ID, err
			}
		}
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				id, err := upload()
				if err != nil {
					t.Error(err)
					return
				}
				if !there.Load() {
					t.Error("a medium has no file")
				}
				if err := db.DeleteMedia(t.Context(), id, func(store.Media) (store.Effects,
					error) {
					return store.Effects{}, nil
				}); err != nil {
					t.Error(err)
				}
				if _, err := db.RemoveMediaFile(t.Context(), key, func(context.Context) error {
					there.Store(false)
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if there.Load() {
		t.Error("the file is left without a medium")
	}
}

func TestSweepMedia(t *testing.T) {
	u := newUser(t, store.RoleTutor)
	avatar := newPicture(t, u.ID, store.MediaAvatar, "avatar of "+u.ID)
	unused := newPicture(t, u.ID, store.MediaScenario, "unused by "+u.ID)
	if _, err := db.SweepMedia(t.Context(), unused.CreatedAt); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Media(t.Context(), unused.ID); err != nil {
		t.Errorf("swept before its time: %v", err)
	}
	later := time.Now().Add(time.Minute)
	if n, err := db.SweepMedia(t.Context(), later); err != nil || n < 1 {
		t.Errorf("swept %d, %v", n, err)
	}
	if _, err := db.Media(t.Context(), unused.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("not swept: %v", err)
	}
	if _, err := db.Media(t.Context(), avatar.ID); err != nil {
		t.Errorf("a portrait that is used was swept: %v", err)
	}
	keys, err := db.AbandonedMediaFiles(t.Context(), later)
	if err != nil || !slices.Contains(keys, unused.Files[0].Key) ||
		slices.Contains(keys, avatar.Files[0].Key) {
		t.Errorf("abandoned %q, %v", keys, err)
	}
}
