package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/store"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// healthSlots is how many rows the health checks of all processes share. It bounds the table
	// and makes it rare that two processes wait for each other.
	healthSlots = 16
	// fullFor is how long the database counts as full after it has refused a call for want of
	// space. A small write may succeed while a larger one does not.
	fullFor = 10 * time.Second
)

// Ping writes a row. It returns store.ErrUnavailable when the database does not answer, accepts no
// writes, or has refused another call in the last seconds because its disk is full.
func (db *DB) Ping(ctx context.Context) error {
	err := db.do(ctx, "database", func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx, `INSERT INTO health_writes (slot, written_at) VALUES ($1, $2)
			ON CONFLICT (slot) DO UPDATE SET written_at = excluded.written_at`, db.healthSlot,
			db.now())
		return err
	})
	var refused *pgconn.PgError
	switch full := time.Unix(0, db.fullAt.Load()); {
	case err == nil && db.clock().Sub(full) < fullFor:
		return fmt.Errorf("database: %w: its disk is full", store.ErrUnavailable)
	case errors.As(err, &refused) && !errors.Is(err, store.ErrUnavailable):
		return fmt.Errorf("database: it is %w for writing: %w", store.ErrUnavailable, err)
	default:
		return err
	}
}

// noticeFull remembers that the database's disk is full when that is what an error says.
func (db *DB) noticeFull(err error) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == diskFull {
		db.fullAt.Store(db.clock().UnixNano())
	}
}
