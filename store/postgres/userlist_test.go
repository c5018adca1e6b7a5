package postgres_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"

	"bedside/store"
	"bedside/store/postgres"

	"github.com/jackc/pgx/v5"
)

func TestUsersOfAText(t *testing.T) {
	mark := strings.ToLower(rand.Text())[:12]
	u, err := db.CreateUser(t.Context(), store.User{
		Email: "zq7-" + mark + "@example.org", Name: "Xq7 Wq8" + mark + " O'Neill_100%",
		Role: store.RoleTutor, PasswordHash: "x",
	})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		mark:                         true,
		strings.ToUpper(mark):        true,
		mark[2:9]:                    true,
		"wq8" + mark + " o'neill_10": true, // across words
		u.Email:                      true,
		"neill_100%":                 true,
		"neill_1__%":                 false, // no patterns
		"%":                          false, // the beginning of a word
		`o'neill\`:                   false,
		"xq":                         true, // short: the beginning of a word of the name,
		"WQ":                         true,
		"zq":                         true, // or of the address
		"q7":                         false,
		"q8":                         false,
		mark + "\x00":                true,
		"nobody-" + mark:             false,
	} {
		list, err := db.Users(t.Context(), store.UserFilter{Text: text, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, one := range list {
			found = found || one.ID == u.ID
		}
		if found != want {
			t.Errorf("%q: found %v, want %v", text, found, want)
		}
	}
}

// TestSearchWithoutTrigrams migrates with an account that may not create the extension pg_trgm.
// The search works without it, and is indexed when somebody else has created it.
func TestSearchWithoutTrigrams(t *testing.T) {
	const ours = "dbname=bedside"
	exec := func(database string, statements ...string) {
		t.Helper()
		conn := connect(t, database)
		for _, sql := range statements {
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Fatal(sql, err)
			}
		}
	}
	exec(ours, "CREATE ROLE limited LOGIN", "CREATE DATABASE limited")
	exec("dbname=limited", "GRANT ALL ON SCHEMA public TO limited")
	var log bytes.Buffer
	limited, err := postgres.Open(t.Context(), postgres.Config{URL: strings.NewReplacer(ours,
		"dbname=limited", "user=bedside", "user=limited").Replace(db.Cluster.URL()),
	}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(limited.Close)
	migrate := func() (warned bool) {
		t.Helper()
		log.Reset()
		if _, err := limited.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(log.String(), "pg_trgm")
	}
	if !migrate() {
		t.Error("no warning that pg_trgm is missing")
	}
	if _, err := limited.CreateUser(t.Context(), store.User{
		Email: "dana@example.org", Name: "Dana", Role: store.RoleTutor, PasswordHash: "x",
	}); err != nil {
		t.Fatal(err)
	}
	list, err := limited.Users(t.Context(), store.UserFilter{Text: "dan", Limit: 10})
	if err != nil || len(list) != 1 {
		t.Errorf("found %d, %v", len(list), err)
	}
	exec("dbname=limited", "CREATE EXTENSION pg_trgm")
	if migrate() {
		t.Error("a warning, although pg_trgm is there")
	}
	var indexed bool
	err = connect(t, "dbname=limited").QueryRow(t.Context(), `SELECT EXISTS (
		SELECT FROM pg_index WHERE indexrelid = to_regclass('users_search') AND indisvalid
	)`).Scan(&indexed)
	if err != nil {
		t.Fatal(err)
	}
	if !indexed {
		t.Error("the search has no index")
	}
	// An operator has put the extension where the server does not look: the index cannot be built.
	exec("dbname=limited", "DROP INDEX users_search", "CREATE SCHEMA extensions",
		"ALTER EXTENSION pg_trgm SET SCHEMA extensions")
	if !migrate() {
		t.Error("no warning that the index cannot be built")
	}
}

// connect connects to another database of the cluster, as its administrator.
func connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(),
		strings.Replace(db.Cluster.URL(), "dbname=bedside", database, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}
