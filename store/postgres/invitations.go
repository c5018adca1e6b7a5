package postgres

import (
	"context"
	"fmt"
	"time"

	"bedside/store"
)

const invitationColumns = `i.attempt_id::text, i.token_hash, i.expires_at, i.used`

func invitationTargets(i *store.Invitation) []any {
	return []any{&i.AttemptID, &i.TokenHash, &i.ExpiresAt, &i.Used}
}

// SaveInvitation saves the invitation to an attempt, in place of an earlier one. It returns
// store.ErrNotFound when there is no such attempt.
func (db *DB) SaveInvitation(ctx context.Context, i store.Invitation) error {
	return db.do(ctx, "invitation", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `INSERT INTO invitations (attempt_id, token_hash, expires_at)
			SELECT id, $2::bytea, $3::timestamptz FROM attempts WHERE id = $1::uuid
			ON CONFLICT (attempt_id) DO UPDATE SET token_hash = excluded.token_hash,
				expires_at = excluded.expires_at, used = false
			RETURNING attempt_id::text`, []any{i.AttemptID, i.TokenHash, i.ExpiresAt},
			[]any{&i.AttemptID})
	})
}

// DeleteInvitation deletes the invitation to an attempt, if there is one.
func (db *DB) DeleteInvitation(ctx context.Context, attemptID string) error {
	return db.do(ctx, "invitation", func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx, `DELETE FROM invitations WHERE attempt_id = $1`, attemptID)
		return err
	})
}

// Invitation returns the invitation with a token of this hash, with its attempt. It returns
// store.ErrNotFound when there is none.
func (db *DB) Invitation(ctx context.Context, tokenHash []byte) (i store.Invitation,
	v store.AttemptView, err error) {
	err = db.do(ctx, "invitation", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+invitationColumns+` FROM invitations i
			WHERE i.token_hash = $1`, []any{tokenHash}, invitationTargets(&i))
	})
	if err == nil {
		v, _, err = db.AttemptView(ctx, i.AttemptID)
	}
	return i, v, err
}

// AcceptInvitation runs store.Invitation.Accept on the stored invitation and its attempt, and
// returns the attempt. It returns store.ErrNotFound when there is no such invitation.
func (db *DB) AcceptInvitation(ctx context.Context, tokenHash []byte, userID string,
	now time.Time) (a store.Attempt, err error) {
	err = db.transact(ctx, "invitation", func(ctx context.Context, q querier) error {
		var i store.Invitation
		err := scanOne(ctx, q, `SELECT `+invitationColumns+` FROM invitations i
			WHERE i.token_hash = $1 FOR UPDATE`, []any{tokenHash}, invitationTargets(&i))
		if err != nil {
			return err
		}
		a, err = changeAttempt(ctx, q, db.now(), i.AttemptID, func(a *store.Attempt) error {
			return i.Accept(a, userID, now)
		})
		if err != nil {
			return err
		}
		if _, err := q.Exec(ctx, `UPDATE invitations SET used = $2 WHERE attempt_id = $1`,
			i.AttemptID, i.Used); err != nil {
			return fmt.Errorf("use the invitation: %w", err)
		}
		return nil
	})
	return a, err
}
