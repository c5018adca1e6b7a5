package store_test

import (
	"slices"
	"testing"

	"bedside/store"
)

func TestBuiltInPictureHasAFixedID(t *testing.T) {
	// Documents of edited scenarios may contain it, so it must never change.
	const want = "00000000-0000-84a6-823d-8293898cc3b7"
	got := store.BuiltInPicture("nursing-insulin-at-home")
	if got != want || !store.IsID(got) || got == store.BuiltInPicture("another") {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFileOfASize(t *testing.T) {
	file := func(size store.MediaSize) store.MediaFile { return store.MediaFile{Size: size} }
	m := store.Media{Files: []store.MediaFile{file("small"), file("large")}}
	for asked, want := range map[store.MediaSize]store.MediaSize{
		store.MediaSmall: store.MediaSmall, store.MediaMedium: store.MediaLarge,
		store.MediaLarge: store.MediaLarge, "": store.MediaLarge,
	} {
		if got, ok := m.File(asked); !ok || got.Size != want {
			t.Errorf("%q: %q, want %q", asked, got.Size, want)
		}
	}
	if _, ok := (store.Media{}).File(store.MediaLarge); ok {
		t.Error("a medium without files has one")
	}
}

func TestWhoSeesAndDeletesMedia(t *testing.T) {
	user := func(id string, role store.Role) store.User { return store.User{ID: id, Role: role} }
	people := []store.User{
		user("owner", store.RoleCandidate), user("other", store.RoleCandidate),
		user("tutor", store.RoleTutor), user("admin", store.RoleAdmin), user("", ""),
	}
	used := []store.MediaUse{{Slug: "x"}}
	for name, c := range map[string]struct {
		m           store.Media
		see, delete string // y or n for each of the people
	}{
		"portrait": {store.Media{OwnerID: "owner", Kind: store.MediaAvatar}, "ynnyn", "ynnyn"},
		"picture":  {store.Media{OwnerID: "tutor", Kind: store.MediaScenario}, "nnyyn", "nnyyn"},
		"of nobody": {
			store.Media{Kind: store.MediaScenario}, "nnyyn", "nnyyn",
		},
		"used": {
			store.Media{OwnerID: "tutor", Kind: store.MediaScenario, Uses: used}, "nnyyn",
			"nnnnn",
		},
		"public": {
			store.Media{OwnerID: "tutor", Kind: store.MediaScenario, Public: true, Uses: used},
			"yyyyy", "nnnnn",
		},
		"built in": {
			store.Media{Kind: store.MediaScenario, Public: true, BuiltIn: true}, "yyyyy",
			"nnnnn",
		},
		"line": {store.Media{OwnerID: "tutor", Kind: store.MediaLine}, "nnyyn", "nnyyn"},
	} {
		letters := func(may func(store.User) bool) string {
			var b []byte
			for _, u := range people {
				b = append(b, "ny"[slices.Index([]bool{false, true}, may(u))])
			}
			return string(b)
		}
		if got := letters(c.m.MaySee); got != c.see {
			t.Errorf("%s is seen by %s, want %s", name, got, c.see)
		}
		if got := letters(func(u store.User) bool {
			return c.m.MayDelete(u) == nil
		}); got != c.delete {
			t.Errorf("%s is deleted by %s, want %s", name, got, c.delete)
		}
	}
}
