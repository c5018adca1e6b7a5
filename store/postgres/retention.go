package postgres

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
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
	// The attempts are in the order of an index, so that the limit ends the reading.
	return db.expire(ctx, `SELECT id::text FROM (
			SELECT DISTINCT r.attempt_id AS id FROM recordings r
			JOIN attempts a ON a.id = r.attempt_id
			WHERE r.state <> 'deleted' AND r.attempt_id < $1 AND a.state = 'reported'
				AND coalesce(a.ended_at, a.started_at, a.created_at) < $2
			ORDER BY 1 LIMIT $3) x`, before, db.expireRecordings, store.AttemptReported)
}

func (db *DB) expireRecordings(ctx context.Context, q pgx.Tx, a store.Attempt) error {
	keys, err := storedKeys(ctx, q, a)
	if err != nil {
		return err
	}
	if err := db.changeRecordings(ctx, q, a.ID,
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
		ORDER BY a.id LIMIT $3`, before, db.expireReport,
		store.AttemptReported, store.AttemptFailed, store.AttemptAbandoned)
}

func (db *DB) expireReport(ctx context.Context, q pgx.Tx, a store.Attempt) error {
	keys, err := storedKeys(ctx, q, a)
	if err != nil {
		return err
	}
	if _, err := q.Exec(ctx, `DELETE FROM attempts WHERE id = $1`, a.ID); err != nil {
		return err
	}
	if a.Exam.ID != "" {
		if err := dropFromExam(ctx, q, a.Exam.ID, db.now()); err != nil {
			return err
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return db.insertJobs(ctx, q, []store.Job{store.RemoveFiles{Keys: keys}})
}

// storedKeys returns the keys of an attempt's files. Without a report these are all that tries to
// make one can have stored.
func storedKeys(ctx context.Context, q pgx.Tx, a store.Attempt) ([]string, error) {
	if a.State != store.AttemptReported {
		return store.RecordingKeys(a.ID), nil
	}
	return ids(ctx, q, `SELECT key FROM recordings
		WHERE attempt_id = $1 AND state <> 'deleted'`, a.ID)
}

// ended returns when an attempt ended, or what is known of it, as the queries for expired ones do.
func ended(a *store.Attempt) time.Time {
	return *cmp.Or(a.EndedAt, a.StartedAt, &a.CreatedAt)
}

// lockExpired locks an attempt. It returns store.ErrState unless the attempt is in one of the
// states and ended before a time: an operator may have made a failed one wait for its analysis.
func (db *DB) lockExpired(ctx context.Context, q pgx.Tx, id string, before time.Time,
	states []store.AttemptState) (store.Attempt, error) {
	return changeAttempt(ctx, q, db.now(), id, func(a *store.Attempt) error {
		if !slices.Contains(states, a.State) || !ended(a).Before(before) {
			return fmt.Errorf("the attempt is %s: %w", a.State, store.ErrState)
		}
		return nil
	})
}

// expire runs a step for each attempt that a query returns, locked and still in one of the states,
// in a transaction each, until there are no more. The query's parameters are the least id of
// attempts that were created later than before, before, and the number of rows.
func (db *DB) expire(ctx context.Context, query string, before time.Time,
	step func(context.Context, pgx.Tx, store.Attempt) error,
	states ...store.AttemptState) (n int64, err error) {
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
				a, err := db.lockExpired(ctx, q, id, before, states)
				if err != nil {
					return err
				}
				return step(ctx, q, a)
			})
			switch {
			case err == nil:
				done++
			case !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrState):
				// Otherwise it was deleted or changed meanwhile.
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
