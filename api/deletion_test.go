package api_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/media"
	"bedside/api/users"
	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// fileRules returns the slices' rules for files, by a pattern of their keys.
func fileRules() map[string]store.OnDelete {
	_, rules := api.DeletionRules()
	list := map[string]store.OnDelete{}
	for _, r := range rules {
		key := regexp.QuoteMeta(r.Pattern)
		key = regexp.MustCompile(`<[\w ]+>`).ReplaceAllString(key, `[\w-]+`)
		list["^"+key+"$"] = r.OnDelete
	}
	return list
}

// removals runs the jobs that remove files whose keys contain a text, and returns all their keys.
func removals(t *testing.T, s *apitest.Server, text string) (keys []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DBURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT args FROM river_job
		WHERE kind = 'remove-files' AND args::text LIKE '%' || $1 || '%'`, text)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range jobs {
		var job store.RemoveFiles
		if err := json.Unmarshal(args, &job); err != nil {
			t.Fatal(err)
		}
		for range 2 { // a job may run twice
			if err := s.Archivist().Remove(t.Context(), job); err != nil {
				t.Error(err)
			}
		}
		keys = append(keys, job.Keys...)
	}
	return keys
}

// TestDeletedAccountLeavesNoFiles makes a file of every kind that a slice owns, and deletes the
// account.
func TestDeletedAccountLeavesNoFiles(t *testing.T) {
	s := apitest.NewServer(t)
	p, other := s.Register(t, apitest.NewEmail()), s.Register(t, apitest.NewEmail())
	p.Confirm(t)
	tutor := s.NewUser(t, store.RoleTutor)
	attempt, others := s.NewReport(t, p, tutor), s.NewReport(t, other, tutor)
	var e users.Export
	p.Do(t, "POST", "/api/users/profile/export", nil).Expect(t, 202).Decode(t, &e)
	if err := s.Archivist().Make(t.Context(), store.MakeExport{
		ID: e.ID, UserID: p.ID,
	}); err != nil {
		t.Fatal(err)
	}
	portrait := func(c *apitest.Client) string {
		var m media.Media
		c.Upload(t, "x.jpg", apitest.Photo(t, 64, 64, byte(len(c.Email))), "kind", "avatar").
			Expect(t, 201).Decode(t, &m)
		made, err := s.DB.Media(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		return made.Files[0].Key
	}
	const voice = "voice/ab/abcd.ogg" // belongs to nobody
	if _, err := s.Blobs.Put(t.Context(), voice, strings.NewReader("x"), "audio/ogg"); err != nil {
		t.Fatal(err)
	}
	portraits := []string{portrait(p)}
	files := append([]string{
		"attempts/" + attempt + "/candidate.ogg", store.Export{ID: e.ID, UserID: p.ID}.Key(),
		voice,
	}, portraits...)
	exists := func(key string) bool {
		f, err := s.Blobs.Open(t.Context(), key)
		if errors.Is(err, store.ErrNotFound) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		return true
	}
	for _, key := range files {
		if !exists(key) {
			t.Fatalf("there is no file %s before the deletion", key)
		}
	}
	p.Do(t, "DELETE", "/api/users/profile", nil).Expect(t, 204)
	removed := append(removals(t, s, attempt), removals(t, s, p.ID)...)
	sweeper := &media.Sweeper{Store: s.DB, Files: s.Blobs}
	for range 2 {
		if err := sweeper.Remove(t.Context(), store.RemoveMedia{Keys: portraits}); err != nil {
			t.Error(err)
		}
	}
	rules := fileRules()
	if len(rules) != len(files) {
		t.Errorf("the slices have %d kinds of files, the test has %d", len(rules), len(files))
	}
	for pattern, onDelete := range rules {
		known := false
		for _, key := range files {
			if regexp.MustCompile(pattern).MatchString(key) {
				known = true
				if exists(key) != (onDelete == store.Kept) {
					t.Errorf("%s is to be %s", key, onDelete)
				}
			}
		}
		if !known {
			t.Errorf("the test has no file of the kind %s", pattern)
		}
	}
	for _, key := range removed {
		if strings.Contains(key, others) || strings.Contains(key, other.ID) ||
			strings.Contains(key, tutor.ID) {
			t.Errorf("%s belongs to another user", key)
		}
	}
	if !exists("attempts/" + others + "/candidate.ogg") {
		t.Error("a file of another user was removed")
	}
}
