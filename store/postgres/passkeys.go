package postgres

import (
	"context"
	"fmt"
	"time"

	"bedside/store"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const passkeyColumns = `p.id::text, p.user_id::text, p.credential_id, p.credential, p.name,
	p.created_at, p.last_used_at`

func passkeyTargets(p *store.Passkey) []any {
	return []any{
		&p.ID, &p.UserID, &p.CredentialID, &p.Credential, &p.Name, &p.CreatedAt, &p.LastUsedAt,
	}
}

// BeginCeremony saves a challenge.
func (db *DB) BeginCeremony(ctx context.Context, c store.Ceremony) error {
	return db.do(ctx, "ceremony", func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx, `INSERT INTO ceremonies (hash, user_id, data, expires_at)
			VALUES ($1, nullif($2, '')::uuid, $3, $4)`,
			c.Hash, c.UserID, c.Data, micros(c.ExpiresAt))
		return err
	})
}

// TakeCeremony returns a challenge and deletes it, so that it can be answered once. It returns
// store.ErrNotFound when there is none with the hash, or it has expired.
func (db *DB) TakeCeremony(ctx context.Context, hash []byte,
	now time.Time) (c store.Ceremony, err error) {
	err = db.do(ctx, "ceremony", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `DELETE FROM ceremonies WHERE hash = $1 AND expires_at > $2
			RETURNING hash, coalesce(user_id::text, ''), data, expires_at`,
			[]any{hash, micros(now)}, []any{&c.Hash, &c.UserID, &c.Data, &c.ExpiresAt})
	})
	return c, err
}

// Passkeys returns a user's passkeys, oldest first.
func (db *DB) Passkeys(ctx context.Context, userID string) (list []store.Passkey, err error) {
	err = db.do(ctx, "passkeys", func(ctx context.Context, q querier) error {
		list, err = collect(ctx, q,
			`SELECT `+passkeyColumns+` FROM passkeys p WHERE p.user_id = $1 ORDER BY p.id`,
			[]any{userID}, passkeyTargets)
		return err
	})
	return list, err
}

// AddPasskey saves a new passkey together with effects, and returns it with its id and time. It
// returns store.ErrConflict when the passkey is registered already, and store.ErrLimit when the
// user has store.MaxPasskeys.
func (db *DB) AddPasskey(ctx context.Context, p store.Passkey,
	after store.Effects) (store.Passkey, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return p, fmt.Errorf("passkey id: %w", err)
	}
	p.ID, p.CreatedAt = id.String(), db.now()
	err = db.within(ctx, "passkey", func(ctx context.Context, tx pgx.Tx) error {
		var u store.User
		if err := lockUser(ctx, tx, p.UserID, &u); err != nil {
			return err
		}
		var n int
		if err := scanOne(ctx, tx, `SELECT count(*) FROM passkeys WHERE user_id = $1`,
			[]any{p.UserID}, []any{&n}); err != nil {
			return err
		}
		if n >= store.MaxPasskeys {
			return fmt.Errorf("passkey: %w", store.ErrLimit)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO passkeys
			(id, user_id, credential_id, credential, name, created_at)
			VALUES ($1, $2, $3, $4, $5, $6)`,
			p.ID, p.UserID, p.CredentialID, p.Credential, p.Name, p.CreatedAt); err != nil {
			return err
		}
		_, err := db.applyEffects(ctx, tx, u, after)
		return err
	})
	return p, err
}

// UsePasskey saves the new state of a passkey, such as its counter, after signing in with it. It
// returns store.ErrNotFound when the user no longer has it.
func (db *DB) UsePasskey(ctx context.Context, userID string, credentialID, credential []byte,
	now time.Time) error {
	return db.do(ctx, "passkey", func(ctx context.Context, q querier) error {
		tag, err := q.Exec(ctx, `UPDATE passkeys SET credential = $3, last_used_at = $4
			WHERE user_id = $1 AND credential_id = $2`,
			userID, credentialID, credential, micros(now))
		if err == nil && tag.RowsAffected() == 0 {
			err = pgx.ErrNoRows
		}
		return err
	})
}

// RemovePasskey deletes a user's passkey together with the effects that after returns. It returns
// store.ErrNotFound when the user has no such passkey.
func (db *DB) RemovePasskey(ctx context.Context, userID, id string,
	after func(store.User, store.Passkey) store.Effects) error {
	if !store.IsID(id) {
		return fmt.Errorf("passkey: %w", store.ErrNotFound)
	}
	return db.within(ctx, "passkey", func(ctx context.Context, tx pgx.Tx) error {
		var u store.User
		if err := lockUser(ctx, tx, userID, &u); err != nil {
			return err
		}
		var p store.Passkey
		if err := scanOne(ctx, tx,
			`DELETE FROM passkeys p WHERE p.id = $1 AND p.user_id = $2 RETURNING `+passkeyColumns,
			[]any{id, userID}, passkeyTargets(&p)); err != nil {
			return err
		}
		_, err := db.applyEffects(ctx, tx, u, after(u, p))
		return err
	})
}
