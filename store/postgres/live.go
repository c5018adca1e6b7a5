package postgres

import (
	"context"
	"fmt"
	"time"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

// ReserveLive makes an attempt the one that an account may be in until a time: that at which a
// ticket to it ends. It returns store.ErrConflict while the account is in another attempt, or has
// such a ticket to another that can still be joined. The account's row is locked meanwhile, so of
// calls at the same time for several attempts one succeeds.
func (db *DB) ReserveLive(ctx context.Context, userID, attemptID string, until time.Time) error {
	return db.within(ctx, "account", func(ctx context.Context, tx pgx.Tx) error {
		var other bool
		// The lock is a statement of its own: what follows must see what was saved until then.
		err := scanOne(ctx, tx, `SELECT true FROM users WHERE id = $1 FOR UPDATE`,
			[]any{userID}, []any{&other})
		if err != nil {
			return err
		}
		err = scanOne(ctx, tx, `SELECT EXISTS (
				SELECT 1 FROM attempts WHERE state IN ('preparing', 'playing')
					AND candidate_id = $1 AND id <> $2
			) OR EXISTS (
				SELECT 1 FROM attempts WHERE state IN ('preparing', 'playing')
					AND partner_id = $1 AND id <> $2
			) OR EXISTS (
				SELECT 1 FROM users u JOIN attempts a ON a.id = u.live_attempt
				WHERE u.id = $1 AND a.id <> $2 AND u.live_until > $3
					AND a.state IN ('created', 'preparing', 'playing')
			)`, []any{userID, attemptID, db.now()}, []any{&other})
		if err != nil {
			return err
		}
		if other {
			return fmt.Errorf("live attempt: %w", store.ErrConflict)
		}
		_, err = tx.Exec(ctx,
			`UPDATE users SET live_attempt = $2, live_until = $3 WHERE id = $1`,
			userID, attemptID, until)
		return err
	})
}
