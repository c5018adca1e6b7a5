package postgres

import (
	"context"
	"fmt"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// DeleteAttempt deletes an attempt with its report and recordings, unless rule, which sees it
// locked, returns an error; a job removes the files. It saves the act that rule returns in the
// same transaction. It returns store.ErrNotFound when there is no such attempt.
func (db *DB) DeleteAttempt(ctx context.Context, id string,
	rule func(store.Attempt) (store.Act, error)) error {
	if !store.IsID(id) {
		return fmt.Errorf("attempt: %w", store.ErrNotFound)
	}
	return db.within(ctx, "attempt", func(ctx context.Context, q pgx.Tx) error {
		var act store.Act
		a, err := changeAttempt(ctx, q, db.now(), id, func(a *store.Attempt) (err error) {
			act, err = rule(*a)
			return err
		})
		if err != nil {
			return err
		}
		if err := db.expireReport(ctx, q, a); err != nil {
			return err
		}
		return db.record(ctx, q, act)
	})
}
