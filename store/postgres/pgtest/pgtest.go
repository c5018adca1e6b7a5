// Package pgtest gives tests a private PostgreSQL with Bedside's tables. Only tests import it.
package pgtest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"bedside/store/folder"
	"bedside/store/postgres"
	"bedside/store/postgres/embedded"
)

// Database is an open database on a PostgreSQL server of its own.
type Database struct {
	*postgres.DB
	Cluster *embedded.Cluster
	dir     string       // removed by Stop, unless it is empty
	lock    *folder.Lock // of a folder that stays; nil otherwise
}

// Start starts a PostgreSQL server in a temporary folder, opens it as cfg says (except for its
// URL), and creates the tables. TestMain uses it; a single test uses New.
func Start(cfg postgres.Config) (d *Database, err error) {
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	d = &Database{}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Stop())
		}
	}()
	if d.dir, err = os.MkdirTemp("", "bedside-pgtest"); err != nil {
		return nil, err
	}
	folder := filepath.Join(d.dir, "pg")
	if d.Cluster, err = embedded.Start(ctx, embedded.Config{Dir: folder}, log); err != nil {
		return nil, err
	}
	cfg.URL = d.Cluster.URL()
	if d.DB, err = postgres.Open(ctx, cfg, log); err != nil {
		return nil, err
	}
	_, err = d.Migrate(ctx)
	return d, err
}

// Stop closes the database, stops the server and removes its folder, unless OpenFilled has opened
// it.
func (d *Database) Stop() (err error) {
	if d.DB != nil {
		d.Close()
	}
	if d.Cluster != nil {
		err = d.Cluster.Close(context.Background())
	}
	if d.dir != "" {
		err = errors.Join(err, os.RemoveAll(d.dir))
	}
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}

// New starts a database for one test and stops it when the test ends.
func New(t testing.TB, cfg postgres.Config) *Database {
	t.Helper()
	d, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	return d
}
