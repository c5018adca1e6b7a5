// Package postgres stores Bedside's records in PostgreSQL, with one file for each domain type.
//
// A change of a record locks its row, runs the rule (a method of the type, or a function that the
// caller passes), and saves the result, all in one transaction. Effects of the change (audit
// entries, jobs, ended sessions) are saved in the same transaction. For example, ChangeUser with a
// rule that sets a new password saves the hash, an entry of the audit trail and the job that mails
// the owner, or none of the three.
//
// Jobs are rows of a queue (River). Every process that has called DB.Jobs takes some of them.
//
// Config.Timeout limits every call. While the database does not answer, calls return
// store.ErrUnavailable; they succeed again once it does.
package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// Config configures a DB. A zero field means the value in Defaults.
type Config struct {
	// URL is what pgx accepts: a postgres:// address or key=value pairs.
	URL string `key:"store.database_url" env:"DATABASE_URL" doc:"PostgreSQL; empty: a private cluster in the data folder" secret:"true"`

	MaxConns int              // size of the connection pool
	Timeout  time.Duration    // time limit of one call, including the wait for a connection
	Clock    func() time.Time // time.Now when nil
	Tracer   pgx.QueryTracer  // sees every statement; may be nil
}

// Defaults returns the default configuration.
func Defaults() Config { return Config{MaxConns: 16, Timeout: 3 * time.Second} }

// DB is a pool of connections to the database. It is safe for concurrent use. The caller of Open
// closes it.
type DB struct {
	pool    *pgxpool.Pool
	queue   *river.Client[pgx.Tx] // adds jobs; Jobs runs them
	timeout time.Duration
	clock   func() time.Time
	log     *slog.Logger

	healthSlot int          // the row that Ping writes
	fullAt     atomic.Int64 // when a call last found the disk full, in Unix nanoseconds
}

// Open makes the pool. It does not connect yet: Ping reports whether the database answers, and
// Migrate creates or updates the tables.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*DB, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		// pgx leaves passwords out of its errors
		return nil, fmt.Errorf("database address: %w", err)
	}
	timeout := cmp.Or(cfg.Timeout, Defaults().Timeout)
	pc.MaxConns = int32(cmp.Or(cfg.MaxConns, Defaults().MaxConns))
	pc.MaxConnIdleTime = 5 * time.Minute
	pc.HealthCheckPeriod = 15 * time.Second
	pc.PingTimeout = timeout / 3
	pc.ConnConfig.ConnectTimeout = timeout * 2 / 3
	pc.ConnConfig.Tracer = cfg.Tracer
	// The server gives up soon after the caller does, so that a crashed caller holds no lock.
	for name, value := range map[string]string{
		"application_name":                    "bedside",
		"timezone":                            "UTC",
		"statement_timeout":                   fmt.Sprint((timeout + time.Second).Milliseconds()),
		"lock_timeout":                        fmt.Sprint(timeout.Milliseconds()),
		"idle_in_transaction_session_timeout": fmt.Sprint((2 * timeout).Milliseconds()),
	} {
		if _, set := pc.ConnConfig.RuntimeParams[name]; !set {
			pc.ConnConfig.RuntimeParams[name] = value
		}
	}
	pc.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("database pool: %w", err)
	}
	queue, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: log})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("job queue: %w", err)
	}
	clock := cfg.Clock
	if clock == nil {
		clock = time.Now
	}
	return &DB{
		pool: pool, queue: queue, timeout: timeout, clock: clock, log: log,
		healthSlot: rand.IntN(healthSlots),
	}, nil
}

// Close waits for running calls and closes every connection.
func (db *DB) Close() { db.pool.Close() }

func (db *DB) now() time.Time { return micros(db.clock()) }

// micros rounds a time to what the database can store: microseconds.
func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
