package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"bedside/configs"
	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"
)

const adminPassword = "seven-quiet-lanterns"

// TestAdminCreate creates an administrator with a password from standard input.
func TestAdminCreate(t *testing.T) {
	data := t.TempDir()
	run := func(stdin string, args ...string) (int, string) {
		var out bytes.Buffer
		args = append([]string{"admin", "create", "--data", data}, args...)
		code := runCommand(t.Context(), args,
			&invocation{in: strings.NewReader(stdin), out: &out, err: &out, version: "test"})
		return code, out.String()
	}
	for _, bad := range [][]string{
		{"password\n", "--email", "ada@example.org"},
		{"\n", "--email", "ada@example.org"},
		{adminPassword + "\n", "--email", "ada"},
		{adminPassword + "\n"},
		{adminPassword + "\n", "--email", "ada@example.org", "--password", adminPassword},
	} {
		if code, out := run(bad[0], bad[1:]...); code == exitDone {
			t.Errorf("%q: %s", bad, out)
		}
	}
	code, out := run(adminPassword+"\n", "--email", "Ada@example.org")
	if code != exitDone || !strings.Contains(out, "ada@example.org is an administrator now") {
		t.Fatalf("exit %d: %s", code, out)
	}
	if code, out := run(adminPassword+"\n", "--email", "ada@example.org"); code == exitDone ||
		!strings.Contains(out, "has an account already") {
		t.Errorf("a second one with the address: exit %d, %s", code, out)
	}
}

// TestFirstAdministratorOnce creates the configured administrator once, even while demo accounts
// are there, and not again when it was given another password or when another one is configured.
func TestFirstAdministratorOnce(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	db := pgtest.New(t, postgres.Defaults()).DB
	cfg := configs.Defaults()
	if err := db.Seed(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	cfg.Demo = "false"
	if err := createFirstAdmin(t.Context(), cfg, db, logger); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "bedside admin create") {
		t.Errorf("no hint in %s", log.String())
	}
	cfg.AdminEmail, cfg.AdminPassword = "Ada@example.org", adminPassword
	for range 2 {
		if err := createFirstAdmin(t.Context(), cfg, db, logger); err != nil {
			t.Fatal(err)
		}
	}
	u, err := db.UserByEmail(t.Context(), "ada@example.org")
	if err != nil || !u.IsActiveAdmin() || u.VerifiedAt == nil {
		t.Fatalf("%+v, %v", u, err)
	}
	cfg.AdminEmail = "other@example.org"
	if err := createFirstAdmin(t.Context(), cfg, db, logger); err != nil {
		t.Fatal(err)
	}
	if _, err := db.UserByEmail(t.Context(), "other@example.org"); err == nil {
		t.Error("there are two first administrators")
	}
	if strings.Contains(log.String(), adminPassword) {
		t.Error("the password is in the log")
	}
}
