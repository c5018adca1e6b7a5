package postgres

import (
	"context"
	"errors"
	"fmt"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

const factorColumns = `f.user_id::text, f.secret, f.confirmed_at, f.last_step, f.recovery`

func factorTargets(f *store.Factor) []any {
	return []any{&f.UserID, &f.Secret, &f.ConfirmedAt, &f.LastStep, &f.Recovery}
}

// Factor returns a user's second factor, or store.ErrNotFound.
func (db *DB) Factor(ctx context.Context, userID string) (f store.Factor, err error) {
	if !store.IsID(userID) {
		return f, fmt.Errorf("factor: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "factor", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+factorColumns+` FROM factors f WHERE f.user_id = $1`,
			[]any{userID}, factorTargets(&f))
	})
	return f, err
}

// ChangeFactor locks a user's second factor (an empty one when there is none), runs a rule on it,
// and saves the result together with the effects that the rule returns. It deletes a factor that
// has no secret.
func (db *DB) ChangeFactor(ctx context.Context, userID string,
	rule func(store.User, *store.Factor) (store.Effects, error)) error {
	if !store.IsID(userID) {
		return fmt.Errorf("user: %w", store.ErrNotFound)
	}
	return db.within(ctx, "factor", func(ctx context.Context, tx pgx.Tx) error {
		var u store.User
		// The account's lock also guards the factor, whose row may not exist yet.
		if err := lockUser(ctx, tx, userID, &u); err != nil {
			return err
		}
		f, err := lockFactor(ctx, tx, userID)
		if err != nil {
			return err
		}
		after, err := rule(u, &f)
		if err != nil {
			return err
		}
		if err := saveFactor(ctx, tx, f); err != nil {
			return err
		}
		_, err = db.applyEffects(ctx, tx, u, after)
		return err
	})
}

// BeginSignIn saves a sign-in of u whose first step has succeeded. It returns
// store.ErrUnauthenticated when the password has changed since u was read, or the account is
// disabled.
func (db *DB) BeginSignIn(ctx context.Context, u store.User, s store.SignIn) error {
	return db.transact(ctx, "sign-in", func(ctx context.Context, q querier) error {
		tag, err := q.Exec(ctx, `INSERT INTO sign_ins (hash, user_id, tries, expires_at)
			SELECT $1, id, $3, $4 FROM users
			WHERE id = $2 AND password_hash = $5 AND NOT disabled FOR SHARE`,
			s.Hash, u.ID, s.Tries, micros(s.ExpiresAt), u.PasswordHash)
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("the password was changed meanwhile: %w", store.ErrUnauthenticated)
		}
		return err
	})
}

// SignInOwner returns the id of the user of a sign-in, or store.ErrNotFound.
func (db *DB) SignInOwner(ctx context.Context, hash []byte) (userID string, err error) {
	err = db.do(ctx, "sign-in", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT user_id::text FROM sign_ins WHERE hash = $1`, []any{hash},
			[]any{&userID})
	})
	return userID, err
}

// FinishSignIn locks a sign-in, its user and their factor, and runs a rule on them. It saves the
// result even when the rule returns an error, so that failed tries count. Without an error it
// deletes the sign-in. It returns store.ErrNotFound when there is no such sign-in.
func (db *DB) FinishSignIn(ctx context.Context, hash []byte,
	rule func(*store.SignIn, store.User, *store.Factor) error) (u store.User, err error) {
	var ruleErr error
	err = db.within(ctx, "sign-in", func(ctx context.Context, tx pgx.Tx) error {
		var s store.SignIn
		u, ruleErr = store.User{}, nil
		// Lock the account first, as all other transactions do, to avoid a deadlock.
		if err := scanOne(ctx, tx,
			`SELECT `+userColumns+` FROM users u
				WHERE u.id = (SELECT user_id FROM sign_ins WHERE hash = $1) FOR SHARE`,
			[]any{hash}, userTargets(&u)); err != nil {
			return err
		}
		if err := scanOne(ctx, tx, `SELECT hash, user_id::text, tries, expires_at FROM sign_ins
			WHERE hash = $1 FOR UPDATE`, []any{hash},
			[]any{&s.Hash, &s.UserID, &s.Tries, &s.ExpiresAt}); err != nil {
			return err
		}
		f, err := lockFactor(ctx, tx, s.UserID)
		if err != nil {
			return err
		}
		if ruleErr = rule(&s, u, &f); ruleErr == nil {
			_, err = tx.Exec(ctx, `DELETE FROM sign_ins WHERE hash = $1`, hash)
		} else {
			_, err = tx.Exec(ctx, `UPDATE sign_ins SET tries = $2 WHERE hash = $1`, hash, s.Tries)
		}
		return errors.Join(err, saveFactor(ctx, tx, f))
	})
	return u, errors.Join(err, ruleErr)
}

func lockFactor(ctx context.Context, q querier, userID string) (store.Factor, error) {
	var f store.Factor
	err := scanOne(ctx, q,
		`SELECT `+factorColumns+` FROM factors f WHERE f.user_id = $1 FOR UPDATE`, []any{userID},
		factorTargets(&f))
	if errors.Is(err, pgx.ErrNoRows) {
		return store.Factor{UserID: userID}, nil
	}
	return f, err
}

func saveFactor(ctx context.Context, q querier, f store.Factor) error {
	if len(f.Secret) == 0 {
		_, err := q.Exec(ctx, `DELETE FROM factors WHERE user_id = $1`, f.UserID)
		return err
	}
	if f.Recovery == nil {
		f.Recovery = [][]byte{}
	}
	_, err := q.Exec(ctx, `INSERT INTO factors (user_id, secret, confirmed_at, last_step, recovery)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret,
			confirmed_at = excluded.confirmed_at, last_step = excluded.last_step,
			recovery = excluded.recovery`,
		f.UserID, f.Secret, f.ConfirmedAt, f.LastStep, f.Recovery)
	return err
}
