package postgres

import (
	"context"
	"fmt"

	"bedside/store"
)

// BeginAnalysis counts a try at the analysis of an attempt, and returns the number of tries that
// count: those that crashed or failed, and this one. The worker that is stopped before the end
// takes its try back with ReleaseAnalysis. It returns store.ErrNotFound when there is no such
// attempt, and store.ErrState when the attempt has its report.
func (db *DB) BeginAnalysis(ctx context.Context, attemptID string) (tries int, err error) {
	if !store.IsID(attemptID) {
		return 0, fmt.Errorf("analysis: its attempt: %w", store.ErrNotFound)
	}
	var state store.AttemptState
	err = db.do(ctx, "analysis", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `UPDATE attempts SET tries = tries + 1, progress_at = $2
			WHERE id = $1 RETURNING tries, state`,
			[]any{attemptID, db.now()}, []any{&tries, &state})
	})
	if err == nil && state == store.AttemptReported {
		err = fmt.Errorf("analysis of a reported attempt: %w", store.ErrState)
	}
	return tries, err
}

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

// Unreported returns at most limit attempts that are played or analysed, oldest first.
func (db *DB) Unreported(ctx context.Context, limit int) (list []store.Unreported, err error) {
	err = db.do(ctx, "attempts", func(ctx context.Context, q querier) (err error) {
		list, err = collect(ctx, q, `SELECT `+attemptColumns+`, a.progress_at FROM attempts a
			WHERE a.state IN ('playing', 'analysing') ORDER BY a.id LIMIT $1`, []any{limit},
			func(u *store.Unreported) []any {
				return append(attemptTargets(&u.Attempt), &u.ProgressAt)
			})
		return err
	})
	return list, err
}
