package pgtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"bedside/store/folder"
	"bedside/store/postgres"
	"bedside/store/postgres/embedded"

	"github.com/jackc/pgx/v5"
)

// Size is how much Fill puts into a database.
type Size = postgres.FillSize

// People are the ids of accounts in a filled database.
type People struct {
	Admin string
	// BusyTutor played the patient in an eighth of all attempts, Tutor in a few.
	BusyTutor, Tutor string
	// BusyCandidate has hundreds of times as many attempts as Candidate.
	BusyCandidate, Candidate string
}

// Fill is postgres.DB.Fill without reports of its steps.
func (d *Database) Fill(ctx context.Context, size Size) error {
	return d.DB.Fill(ctx, size, func(string) {})
}

// People returns accounts of a database that Fill has filled with size.
func (d *Database) People(ctx context.Context, size Size) (p People, err error) {
	conn, err := pgx.Connect(ctx, d.Cluster.URL())
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	for id, nth := range map[*string]int{ // ids sort by the time of registration
		&p.Admin: 1, &p.BusyTutor: 2, &p.Tutor: 3, &p.BusyCandidate: size.Tutors() + 1,
		&p.Candidate: size.Users / 2,
	} {
		if err := conn.QueryRow(ctx, `SELECT id::text FROM users ORDER BY id LIMIT 1 OFFSET $1`,
			nth-1).Scan(id); err != nil {
			return p, fmt.Errorf("the %dth account: %w", nth, err)
		}
	}
	return p, nil
}

// removeOthers removes the databases below dir that an older Fill has made.
func removeOthers(dir, name string) error {
	old, err := filepath.Glob(filepath.Join(dir, "filled-*"))
	for _, path := range old {
		if path != name {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}

// OpenFilled opens the database in a folder below dir, after it has made and filled it when it is
// not there. Later calls, also of other versions of the program, find it filled and only migrate
// it. The caller calls Stop, which keeps the folder.
func OpenFilled(dir string, size Size, cfg postgres.Config) (d *Database, err error) {
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	d = &Database{}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Stop())
		}
	}()
	if d.lock, err = folder.Acquire(dir); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, fmt.Sprintf("filled-%d-%d-%s", size.Users, size.Attempts,
		postgres.FillVersion()))
	done := filepath.Join(name, "done")
	if _, err := os.Stat(done); err != nil {
		if err := errors.Join(removeOthers(dir, name), folder.Recreate(name)); err != nil {
			return nil, err
		}
	}
	// The account that the server runs as has to reach the folder below.
	if err := os.Chmod(name, 0o755); err != nil {
		return nil, err
	}
	d.Cluster, err = embedded.Start(ctx, embedded.Config{Dir: filepath.Join(name, "pg")}, log)
	if err != nil {
		return nil, err
	}
	cfg.URL = d.Cluster.URL()
	if d.DB, err = postgres.Open(ctx, cfg, log); err != nil {
		return nil, err
	}
	if _, err := d.Migrate(ctx); err != nil {
		return nil, err
	}
	if _, err := os.Stat(done); err == nil {
		return d, nil
	}
	if err := errors.Join(d.DB.Seed(ctx, false), d.Fill(ctx, size)); err != nil {
		return nil, err
	}
	return d, os.WriteFile(done, nil, 0o600)
}
