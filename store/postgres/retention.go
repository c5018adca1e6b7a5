package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"bedside/store"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// expireBatch is the number of attempts that are looked up at once.
const expireBatch = 200

// ExpireRecordings deletes the recordings of attempts that ended before a time: their reports say
// so, and jobs remove the files. It returns the number of attempts, also with an error.
func (db *DB) ExpireRecordings(ctx context.Context, before time.Time) (n int64, err error) {
	return db.expire(ctx, `SELECT DISTINCT r.attempt_id::text AS id FROM recordings r
		JOIN attempts a ON a.id = r.attempt_id
		WHERE r.state <> 'deleted' AND r.attempt_id < $1
			AND coalesce(a.ended_at, a.started_at, a.created_at) < $2
		ORDER BY id LIMIT $3`, before, db.expireRecordings)
}

func (db *DB) expireRecordings(ctx context.Context, q pgx.Tx, id string) error {
	keys, err := storedKeys(ctx, q, id)
	if err != nil {
		return err
	}
	if err := db.changeRecordings(ctx, q, id,
		func(_ store.Speaker, rec *store.Recording) { rec.Expire() }); err != nil {
		return err
	}
	return db.insertJobs(ctx, q, []store.Job{store.RemoveFiles{Keys: keys}})
}

// ExpireReports deletes attempts that ended before a time, with their reports and recordings; jobs
// remove the files. It returns the number of attempts, also with an error.
func (db *DB) ExpireReports(ctx context.Context, before time.Time) (n int64, err error) {
	return db.expire(ctx, `SELECT a.id::text FROM attempts a
		WHERE a.state IN ('reported', 'failed', 'abandoned') AND a.id < $1
			AND coalesce(a.ended_at, a.started_at, a.created_at) < $2
		ORDER BY a.id LIMIT $3`, before, db.expireReport)
}

func (db *DB) expireReport(ctx context.Context, q pgx.Tx, id string) error {
	keys, err := storedKeys(ctx, q, id)
	if err != nil {
		return err
	}
	if _, err := q.Exec(ctx, `DELETE FROM attempts WHERE id = $1`, id); err != nil {
		return err
	}
	if len(keys) == 0 {
		return nil
	}
	return db.insertJobs(ctx, q, []store.Job{store.RemoveFiles{Keys: keys}})
}

// storedKeys locks an attempt and returns the keys of its files.
func storedKeys(ctx context.Context, q pgx.Tx, id string) ([]string, error) {
	if _, err := changeAttempt(ctx, q, id, func(*store.Attempt) error { return nil }); err != nil {
		return nil, err
	}
	return ids(ctx, q, `SELECT key FROM recordings
		WHERE attempt_id = $1 AND state <> 'deleted'`, id)
}

// expire runs a step for each attempt that a query returns, in a transaction each, until there are
// no more. The query's parameters are the least id of attempts that were created later than
// before, before, and the number of rows.
func (db *DB) expire(ctx context.Context, query string, before time.Time,
	step func(context.Context, pgx.Tx, string) error) (n int64, err error) {
	for {
		var list []string
		err := db.do(ctx, "retention", func(ctx context.Context, q querier) (err error) {
			list, err = ids(ctx, q, query, leastID(before), micros(before), expireBatch)
			return err
		})
		if err != nil {
			return n, err
		}
		done := 0
		for _, id := range list {
			err := db.within(ctx, "retention", func(ctx context.Context, q pgx.Tx) error {
				return step(ctx, q, id)
			})
			switch {
			case err == nil:
				done++
			case !errors.Is(err, store.ErrNotFound): // deleted meanwhile
				return n + int64(done), err
			}
		}
		if n += int64(done); len(list) < expireBatch || done == 0 {
			return n, nil
		}
	}
}

// leastID returns an id that is not greater than those of attempts created from a time on, and
// greater than those created before: ids begin with the milliseconds of their creation.
func leastID(at time.Time) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(max(at.UnixMilli(), 0))<<16)
	return id.String()
}
