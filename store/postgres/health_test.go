package postgres_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"bedside/store"
	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"

	"github.com/jackc/pgx/v5"
)

// administer runs statements as the owner of a database.
func administer(t *testing.T, d *pgtest.Database, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.Cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func TestPingNoticesThatWritesAreRefused(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	d := pgtest.New(t, postgres.Config{Clock: now})
	ping := func(what string, want error) {
		t.Helper()
		if err := d.Ping(t.Context()); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	ping("a new database", nil)
	ping("a second time", nil)

	administer(t, d, `ALTER SYSTEM SET default_transaction_read_only = on`,
		`SELECT pg_reload_conf()`)
	for d.Ping(t.Context()) == nil && t.Context().Err() == nil { // until sessions have read it
	}
	ping("read only", store.ErrUnavailable)
	administer(t, d, `SET default_transaction_read_only = off`,
		`ALTER SYSTEM RESET default_transaction_read_only`, `SELECT pg_reload_conf()`)
	for d.Ping(t.Context()) != nil && t.Context().Err() == nil {
	}
	ping("writable again", nil)

	// A full disk, which refuses a large write and not the small one of Ping.
	administer(t, d, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$`,
		`CREATE TRIGGER full_disk BEFORE INSERT ON users EXECUTE FUNCTION full_disk()`)
	_, err := d.CreateUser(t.Context(), store.User{
		Email: "somebody@example.org", Name: "Somebody", Role: store.RoleCandidate,
		PasswordHash: "x",
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("the call was not refused: %v", err)
	}
	ping("full", store.ErrUnavailable)
	ahead.Store(int64(11 * time.Second))
	ping("full a while ago", nil)
}
