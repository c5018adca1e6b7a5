package postgres

import (
	"context"
	"time"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

const tokenColumns = `t.hash, t.user_id::text, t.purpose, t.email, t.created_at, t.expires_at,
	t.used_at`

func tokenTargets(t *store.MailToken) []any {
	return []any{&t.Hash, &t.UserID, &t.Purpose, &t.Email, &t.CreatedAt, &t.ExpiresAt, &t.UsedAt}
}

// CreateMailToken saves a new token.
func (db *DB) CreateMailToken(ctx context.Context, t store.MailToken) error {
	return db.do(ctx, "token", func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx, `INSERT INTO mail_tokens
			(hash, user_id, purpose, email, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6)`,
			t.Hash, t.UserID, t.Purpose, t.Email, micros(t.CreatedAt), micros(t.ExpiresAt))
		return err
	})
}

// UseMailToken marks the token with the hash as used, and changes its account by the rule, like
// ChangeUser, in one transaction. The account's other tokens of the same purpose stop working. It
// returns store.ErrNotFound when there is no such token of one of the purposes, and
// store.ErrReused or store.ErrExpired as store.MailToken.Use does.
func (db *DB) UseMailToken(ctx context.Context, hash []byte, purposes []store.TokenPurpose,
	now time.Time, rule func(*store.User, store.MailToken) (store.Effects, error),
) (u store.User, ended []string, err error) {
	now = micros(now)
	err = db.within(ctx, "token", func(ctx context.Context, tx pgx.Tx) error {
		u, ended = store.User{}, nil
		var t store.MailToken
		read := func() error {
			return scanOne(ctx, tx,
				`SELECT `+tokenColumns+` FROM mail_tokens t
					WHERE t.hash = $1 AND t.purpose = ANY ($2)`,
				[]any{hash, purposes}, tokenTargets(&t))
		}
		if err := read(); err != nil {
			return err
		}
		if err := lockUser(ctx, tx, t.UserID, &u); err != nil {
			return err
		}
		// The account's lock also guards its tokens, so only now is the token's state certain.
		if err := read(); err != nil {
			return err
		}
		if err := t.Use(u, now); err != nil {
			return err
		}
		after, err := rule(&u, t)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx,
			`UPDATE mail_tokens SET used_at = $3
				WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL`,
			u.ID, t.Purpose, now); err != nil {
			return err
		}
		if err := db.saveUser(ctx, tx, &u); err != nil {
			return err
		}
		ended, err = db.applyEffects(ctx, tx, u, after)
		return err
	})
	return u, ended, err
}
