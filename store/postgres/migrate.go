package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"bedside/store/wait"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the key of the advisory lock that lets one process migrate at a time.
const migrationLock = 0x62656473696465 // "bedside"

// Migrate runs the migrations that the database does not have yet, and returns its version. When
// several processes start together, one migrates and the others wait. It has no time limit of its
// own: cancel ctx to give up.
func (db *DB) Migrate(ctx context.Context) (version int64, err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	pool := db.unlimited()
	conns := stdlib.OpenDB(*pool.ConnConfig)
	defer conns.Close()
	p, err := goose.NewProvider(goose.DialectPostgres, conns, files,
		goose.WithSessionLocker(advisoryLock{}), goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()), goose.WithGoMigrations(jobTables(pool)),
		// The number's tens name a part of the program, so a later one may come first.
		goose.WithAllowOutofOrder(true))
	if err != nil {
		return 0, fmt.Errorf("migrations: %w", err)
	}
	results, err := p.Up(ctx)
	if err != nil {
		return 0, translate(ctx, "migration", err)
	}
	for _, r := range results {
		db.log.Info("migrated the database", "migration", r.Source.Version, "took", r.Duration)
	}
	if err := db.indexSearch(ctx, conns); err != nil {
		return 0, translate(ctx, "index of the users", err)
	}
	version, err = p.GetDBVersion(ctx)
	return version, translate(ctx, "migration", err)
}

// unlimited returns the pool's configuration without time limits, because a migration can take
// long. Only the caller's context limits it.
func (db *DB) unlimited() *pgxpool.Config {
	c := db.pool.Config()
	for _, limit := range []string{
		"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
	} {
		delete(c.ConnConfig.RuntimeParams, limit)
	}
	c.ConnConfig.ConnectTimeout = 0
	c.MaxConns = 2
	return c
}

// advisoryLock is a goose.SessionLocker. It asks again and again instead of waiting inside
// PostgreSQL: a waiting statement would keep CREATE INDEX CONCURRENTLY from ending, which waits
// for statements that began before it, and so the two would wait for each other.
type advisoryLock struct{}

// lockInterval is how often a process that waits for another one's migrations asks.
const lockInterval = 100 * time.Millisecond

func (advisoryLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	for {
		var locked bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)",
			int64(migrationLock)).Scan(&locked); err != nil || locked {
			return err
		}
		if err := wait.For(ctx, lockInterval); err != nil {
			return err
		}
	}
}

func (advisoryLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(migrationLock))
	return err
}
