package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// BeginAnalysis counts a try at the analysis of an attempt, and returns it. The worker that is
// stopped before the end takes its try back with ReleaseAnalysis. It returns store.ErrNotFound
// when there is no such attempt, and store.ErrState when the attempt has its report and no
// recording that follows.
func (db *DB) BeginAnalysis(ctx context.Context, attemptID string) (t store.Try, err error) {
	if !store.IsID(attemptID) {
		return t, fmt.Errorf("analysis: its attempt: %w", store.ErrNotFound)
	}
	var state store.AttemptState
	err = db.do(ctx, "analysis", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `UPDATE attempts a SET tries = tries + 1, progress_at = $2
			WHERE id = $1 RETURNING tries, state,
				(SELECT greatest(r.created_at, a.retried_at) FROM reports r
					WHERE r.attempt_id = a.id AND a.state = 'reported' AND `+pending+`)`,
			[]any{attemptID, db.now()}, []any{&t.Number, &state, &t.ReportedAt})
	})
	if err == nil && state == store.AttemptReported && t.ReportedAt == nil {
		err = fmt.Errorf("analysis of a reported attempt: %w", store.ErrState)
	}
	return t, err
}

// pending is true of an attempt a with a recording that follows its report.
const pending = `EXISTS (SELECT 1 FROM recordings p
	WHERE p.attempt_id = a.id AND p.state = 'pending')`

// ContinueAnalysis records that a worker is at the analysis of an attempt. tries is what
// BeginAnalysis returned to it: later tries do not count while this one goes on, since they began
// because the worker's connection was lost, not because it crashed.
func (db *DB) ContinueAnalysis(ctx context.Context, attemptID string, tries int) error {
	return db.changeAnalysis(ctx, attemptID, `UPDATE attempts SET progress_at = $2,
		tries = least(tries, $3) WHERE id = $1`, db.now(), tries)
}

// ReleaseAnalysis takes back a try that BeginAnalysis has counted.
func (db *DB) ReleaseAnalysis(ctx context.Context, attemptID string) error {
	return db.changeAnalysis(ctx, attemptID, `UPDATE attempts SET progress_at = $2,
		tries = greatest(tries - 1, 0) WHERE id = $1`, db.now())
}

func (db *DB) changeAnalysis(ctx context.Context, attemptID, sql string, args ...any) error {
	if !store.IsID(attemptID) {
		return fmt.Errorf("analysis: its attempt: %w", store.ErrNotFound)
	}
	return db.do(ctx, "analysis", func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx, sql, append([]any{attemptID}, args...)...)
		return err
	})
}

// Unfinished returns at most limit attempts that are played or analysed, or whose recordings
// follow their report, oldest first.
func (db *DB) Unfinished(ctx context.Context, limit int) (list []store.Unfinished, err error) {
	err = db.do(ctx, "attempts", func(ctx context.Context, q querier) (err error) {
		// OFFSET 0 makes the planner look up each attempt instead of reading all of them.
		list, err = collect(ctx, q, `SELECT `+attemptColumns+`, a.progress_at FROM (
				SELECT id FROM attempts WHERE state IN ('playing', 'analysing')
				UNION SELECT attempt_id FROM recordings WHERE state = 'pending'
				ORDER BY 1 LIMIT $1) u
			CROSS JOIN LATERAL (SELECT * FROM attempts WHERE id = u.id OFFSET 0) a
			ORDER BY a.id`, []any{limit},
			func(u *store.Unfinished) []any {
				return append(attemptTargets(&u.Attempt), &u.ProgressAt)
			})
		return err
	})
	return list, err
}

// AttemptsInLog returns those of the attempts with these ids that exist.
func (db *DB) AttemptsInLog(ctx context.Context, ids []string) (list []store.Unfinished,
	err error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !store.IsID(id) })
	err = db.do(ctx, "attempts", func(ctx context.Context, q querier) (err error) {
		list, err = collect(ctx, q, `SELECT `+attemptColumns+`, a.progress_at,
				ARRAY(SELECT r.state FROM recordings r WHERE r.attempt_id = a.id),
				(SELECT r.created_at FROM reports r WHERE r.attempt_id = a.id)
			FROM attempts a WHERE a.id = ANY($1::uuid[])`, []any{ids},
			func(u *store.Unfinished) []any {
				return append(attemptTargets(&u.Attempt), &u.ProgressAt, &u.Recordings,
					&u.ReportedAt)
			})
		return err
	})
	return list, err
}

// ReopenAttempt runs store.Attempt.Reopen on the stored attempt, with no tries used, if its report
// is older than its latest audio. Otherwise it returns store.ErrState.
func (db *DB) ReopenAttempt(ctx context.Context, id string, lastAt time.Time, live bool) error {
	if !store.IsID(id) {
		return fmt.Errorf("attempt: %w", store.ErrNotFound)
	}
	return db.within(ctx, "attempt", func(ctx context.Context, q pgx.Tx) error {
		if _, err := changeAttempt(ctx, q, db.now(), id, func(a *store.Attempt) error {
			return a.Reopen(micros(lastAt), live)
		}); err != nil {
			return err
		}
		var older bool
		if err := scanOne(ctx, q, `SELECT created_at < $2 FROM reports WHERE attempt_id = $1`,
			[]any{id, lastAt}, []any{&older}); err != nil {
			return err
		}
		if !older {
			return fmt.Errorf("the report came after the audio: %w", store.ErrState)
		}
		_, err := q.Exec(ctx, `UPDATE attempts SET tries = 0, progress_at = $2 WHERE id = $1`,
			id, db.now())
		return err
	})
}

// RetryAnalysis makes a failed attempt wait for its analysis again, or a reported one for the
// recordings that were given up, with no tries used. It saves the act that rule returns in the
// same transaction. It returns store.ErrNotFound when there is no such attempt, and store.ErrState
// when there is nothing to try again.
func (db *DB) RetryAnalysis(ctx context.Context, attemptID string,
	rule func(store.Attempt) store.Act) (a store.Attempt, err error) {
	if !store.IsID(attemptID) {
		return a, fmt.Errorf("attempt: %w", store.ErrNotFound)
	}
	err = db.within(ctx, "attempt", func(ctx context.Context, q pgx.Tx) error {
		a, err = changeAttempt(ctx, q, db.now(), attemptID, func(a *store.Attempt) error {
			if a.State == store.AttemptReported {
				return nil
			}
			return a.Retry()
		})
		if err != nil {
			return err
		}
		if a.State == store.AttemptReported {
			given := false
			if err := db.changeRecordings(ctx, q, attemptID,
				func(_ store.Speaker, rec *store.Recording) {
					given = rec.Retry() || rec.State == store.RecordingPending || given
				}); err != nil {
				return err
			}
			if !given {
				return fmt.Errorf("the attempt has its report and recordings: %w", store.ErrState)
			}
		}
		now := db.now()
		if _, err := q.Exec(ctx, `UPDATE attempts SET tries = 0, progress_at = $2, retried_at = $2
			WHERE id = $1`, attemptID, now); err != nil {
			return err
		}
		return db.record(ctx, q, rule(a))
	})
	return a, err
}
