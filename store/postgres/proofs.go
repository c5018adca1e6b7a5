package postgres

import (
	"context"
	"fmt"
	"time"

	"bedside/store"
)

// Prove records that the user of a session has just proved who they are, for example by entering
// the password again.
func (db *DB) Prove(ctx context.Context, sessionID string, now time.Time) error {
	return db.do(ctx, "session", func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx,
			`INSERT INTO session_proofs (session_id, at) VALUES ($1, $2)
				ON CONFLICT (session_id) DO UPDATE SET at = excluded.at`,
			sessionID, micros(now))
		return err
	})
}

// ProvenAt returns the time of the last proof. Signing in is the first.
func (db *DB) ProvenAt(ctx context.Context, sessionID string) (at time.Time, err error) {
	if !store.IsID(sessionID) {
		return at, fmt.Errorf("session: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "session", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT greatest(s.created_at, p.at)
			FROM sessions s LEFT JOIN session_proofs p ON p.session_id = s.id WHERE s.id = $1`,
			[]any{sessionID}, []any{&at})
	})
	return at, err
}
