package api_test

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"bedside/api/users"
	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// kinds gives the kinds of files that DESIGN.md names, as patterns of keys, with what becomes of
// them when their owner's account is deleted.
func kinds(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+/[^`]+)` \\| (deleted|kept) \\| [^|]+ \\|$").FindAllStringSubmatch(string(page), -1) {
		list["^"+regexp.MustCompile(`<\w+>`).ReplaceAllString(regexp.QuoteMeta(m[1]),
			`[\w-]+`)+"$"] = m[2]
	}
	return list
}

// removals does the jobs that remove files of the keys with a prefix, and says which they were.
func (s *server) removals(t *testing.T, prefix string) (keys []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dbURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(),
		`SELECT args FROM river_job WHERE kind = 'remove-files' AND args::text LIKE '%' || $1 || '%'`,
		prefix)
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
			if err := s.archivist().Remove(t.Context(), job); err != nil {
				t.Error(err)
			}
		}
		keys = append(keys, job.Keys...)
	}
	return keys
}

// TestDeletedAccountLeavesNoFiles has a file of every kind that DESIGN.md names, and deletes its owner.
func TestDeletedAccountLeavesNoFiles(t *testing.T) {
	s := newServer(t)
	p, tutor, other := s.registered(t, address()), s.someone(t,
		store.RoleTutor), s.registered(t, address())
	attempt, others := s.reported(t, p, tutor), s.reported(t, other, tutor)
	var e users.Export
	p.do(t, "POST", "/api/users/profile/export", nil).expect(t, 202).into(t, &e)
	if err := s.archivist().Make(t.Context(), store.MakeExport{
		ID: e.ID, UserID: p.id,
	}); err != nil {
		t.Fatal(err)
	}
	files := []string{
		"attempts/" + attempt + "/candidate.ogg", store.Export{ID: e.ID, UserID: p.id}.Key(),
	}
	there := func(key string) bool {
		f, err := s.blobs.Open(t.Context(), key)
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
		if !there(key) {
			t.Fatalf("there is no %s: the test does not test it", key)
		}
	}
	p.do(t, "DELETE", "/api/users/profile", nil).expect(t, 204)
	removed := append(s.removals(t, attempt), s.removals(t, p.id)...)
	named := kinds(t)
	if len(named) != len(files) {
		t.Errorf("DESIGN.md names %d kinds of files, the test knows %d", len(named), len(files))
	}
	for pattern, fate := range named {
		known := false
		for _, key := range files {
			if regexp.MustCompile(pattern).MatchString(key) {
				known = true
				if there(key) != (fate == "kept") {
					t.Errorf("%s is to be %s", key, fate)
				}
			}
		}
		if !known {
			t.Errorf("DESIGN.md names %s, of which the test has no file", pattern)
		}
	}
	for _, key := range removed {
		if strings.Contains(key, others) || strings.Contains(key, other.id) ||
			strings.Contains(key, tutor.id) {
			t.Errorf("%s was somebody else's", key)
		}
	}
	if !there("attempts/" + others + "/candidate.ogg") {
		t.Error("a file of somebody else's is gone")
	}
}
