// Package apitest is test support: it starts the whole REST API on a real HTTP server, over a real
// PostgreSQL cluster and a real mail server, and makes clients of it.
//
// A test package's TestMain calls Main, which starts the cluster and the mail server once; they
// are shared by the package's tests, which keep to accounts of their own. Each test then starts a
// Server with a clock of its own:
//
//	func TestMain(m *testing.M) { apitest.Main(m) }
//
//	func TestProfile(t *testing.T) {
//		s := apitest.NewServer(t)
//		candidate := s.NewUser(t, store.RoleCandidate)
//		candidate.Do(t, "GET", "/api/users/profile", nil).Expect(t, 200)
//	}
//
// Only test files import it.
package apitest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"
)

// shared is used by all tests of a package. Main sets it before they run.
var shared struct {
	db    *postgres.DB
	dbURL string
	mail  *MailServer
}

// Main runs the tests of a package with a database and a mail server, and exits.
func Main(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	db, err := pgtest.Start(postgres.Config{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Stop()) }()
	if err = db.Seed(ctx, false); err != nil {
		return 0, err
	}
	mail, err := startMailServer(ctx, db.DB)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, mail.close(ctx)) }()
	shared.db, shared.dbURL, shared.mail = db.DB, db.Cluster.URL(), mail
	return m.Run(), nil
}
