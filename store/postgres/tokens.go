package postgres

import (
	"context"
	"fmt"
	"time"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

const tokenColumns = `t.hash, t.user_id::text, t.purpose, t.email, t.created_at, t.expires_at, t.used_at`

func tokenTargets(t *store.MailToken) []any {
	return []any{&t.Hash, &t.UserID, &t.Purpose, &t.Email, &t.CreatedAt, &t.ExpiresAt, &t.UsedAt}
}

// CreateMailToken keeps a new token.
func (db *DB) CreateMailToken(ctx context.Context, t store.MailToken) error {
	return db.do(ctx, "token", func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx, `INSERT INTO mail_tokens (hash, user_id, purpose, email, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			t.Hash, t.UserID, t.Purpose, t.Email, micros(t.CreatedAt), micros(t.ExpiresAt))
		return err
	})
}

// UseMailToken takes the token with the hash, and runs rule on its locked account in the same transaction. All others of the purpose stop working.
// ErrNotFound: nobody was sent such a token; ErrReused, ErrExpired: see store.MailToken.Use.
func (db *DB) UseMailToken(ctx context.Context, hash []byte, purpose store.TokenPurpose, now time.Time,
	rule func(*store.User) (store.Aftermath, error)) (u store.User, ended []string, err error) {
	now = micros(now)
	err = db.within(ctx, "token", func(ctx context.Context, tx pgx.Tx) error {
		u, ended = store.User{}, nil
		var t store.MailToken
		err := scanOne(ctx, tx, `SELECT `+tokenColumns+` FROM mail_tokens t WHERE t.hash = $1 AND t.purpose = $2 FOR UPDATE`, []any{hash, purpose}, tokenTargets(&t))
		if err != nil {
			return err
		}
		if err := scanOne(ctx, tx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1 FOR UPDATE`, []any{t.UserID}, userTargets(&u)); err != nil {
			return err
		}
		if err := t.Use(u, now); err != nil {
			return err
		}
		after, err := rule(&u)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE mail_tokens SET used_at = $3 WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL`, u.ID, purpose, now); err != nil {
			return err
		}
		u.UpdatedAt = db.now()
		_, err = tx.Exec(ctx, `UPDATE users SET password_hash = $2, verified_at = $3, updated_at = $4 WHERE id = $1`, u.ID, u.PasswordHash, u.VerifiedAt, u.UpdatedAt)
		if err != nil {
			return fmt.Errorf("user: %w", err)
		}
		ended, err = db.settle(ctx, tx, u, after)
		return err
	})
	return u, ended, err
}
