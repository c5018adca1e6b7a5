package main

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"bedside/store/postgres/embedded"

	"github.com/jackc/pgx/v5"
)

// TestSeed fills a database on embedded defaults, which it refuses to do a second time. What is
// counted by triggers otherwise has to be as if they had run.
func TestSeed(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	seed := func(args ...string) (code int, out string) {
		t.Helper()
		var b bytes.Buffer
		code = runCommand(t.Context(), append([]string{"seed", "--data", data}, args...),
			&invocation{in: strings.NewReader(""), out: &b, err: &b, env: []string{}})
		return code, b.String()
	}
	if code, out := seed("--users", "3"); code != exitUsage || !strings.Contains(out, "20 to") {
		t.Errorf("exit code %d: %s", code, out)
	}
	code, out := seed("--users", "200", "--attempts", "2000")
	if code != exitDone || !strings.Contains(out, "  attempts\n") ||
		!strings.Contains(out, "200 users and 2000 attempts") {
		t.Fatalf("exit code %d: %s", code, out)
	}
	if code, out := seed("--users", "200"); code != exitFailed ||
		!strings.Contains(out, "--force") {
		t.Errorf("a second time: exit code %d: %s", code, out)
	}
	checkSeeded(t, data)
}

// checkSeeded reads the database of a data folder that was filled.
func checkSeeded(t *testing.T, data string) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	cluster, err := embedded.Start(t.Context(),
		embedded.Config{Dir: filepath.Join(data, "postgres")}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close(context.WithoutCancel(t.Context()))
	conn, err := pgx.Connect(t.Context(), cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for sql, want := range map[string]int{
		`SELECT count(*) FROM users WHERE email NOT LIKE '%@demo.bedside'`: 200,
		`SELECT count(*) FROM attempts`:                                    2000,
		`SELECT sum(created) FROM practice_days WHERE tutor_id IS NULL`:    2000,
		`SELECT count(*) FROM (SELECT * FROM progress
			EXCEPT SELECT * FROM progress_of_attempts) x`: 0,
		`SELECT count(*) FROM (SELECT * FROM progress_of_attempts
			EXCEPT SELECT * FROM progress) x`: 0,
	} {
		var n int
		if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d, want %d, %v", sql, n, want, err)
		}
	}
}
