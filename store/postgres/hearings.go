package postgres

import (
	"context"
	"fmt"

	"bedside/store"
)

const hearingColumns = `h.microphone, h.model, h.mean, h.gain, h.measured_at, h.used_at`

func hearingTargets(h *store.Hearing) []any {
	return []any{&h.Microphone, &h.Model, &h.Mean, &h.Gain, &h.MeasuredAt, &h.UsedAt}
}

// SaveHearing saves what was learned about a user at a microphone, in place of what was known. It
// removes the microphones beyond store.MaxHearings that were not used for longest.
func (db *DB) SaveHearing(ctx context.Context, userID string, h store.Hearing) error {
	return db.transact(ctx, "hearing", func(ctx context.Context, q querier) error {
		if _, err := q.Exec(ctx, `INSERT INTO hearings
			(user_id, microphone, model, mean, gain, measured_at, used_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (user_id, microphone) DO UPDATE SET model = excluded.model,
				mean = excluded.mean, gain = excluded.gain, measured_at = excluded.measured_at,
				used_at = excluded.used_at`,
			userID, h.Microphone, h.Model, h.Mean, h.Gain, h.MeasuredAt, h.UsedAt); err != nil {
			return err
		}
		_, err := q.Exec(ctx, `DELETE FROM hearings WHERE user_id = $1 AND microphone IN (
			SELECT microphone FROM hearings WHERE user_id = $1
			ORDER BY used_at DESC, microphone OFFSET $2)`, userID, store.MaxHearings)
		return err
	})
}

// HearingsOf returns what is known of a user at each microphone, the last used first.
func (db *DB) HearingsOf(ctx context.Context, userID string) (list []store.Hearing, err error) {
	err = db.do(ctx, "hearing", func(ctx context.Context, q querier) error {
		list, err = collect(ctx, q, `SELECT `+hearingColumns+` FROM hearings h
			WHERE h.user_id = $1 ORDER BY h.used_at DESC, h.microphone`, []any{userID},
			hearingTargets)
		return err
	})
	return list, err
}

// HearingOf returns what is known of a user at the microphone that was used last. It returns
// store.ErrNotFound when the user has not read sentences at any.
func (db *DB) HearingOf(ctx context.Context, userID string) (h store.Hearing, err error) {
	err = db.do(ctx, "hearing", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+hearingColumns+` FROM hearings h WHERE h.user_id = $1
			ORDER BY h.used_at DESC, h.microphone LIMIT 1`, []any{userID}, hearingTargets(&h))
	})
	return h, err
}

// UseHearing notes that a user is at a microphone now. It returns store.ErrNotFound when the user
// has not read sentences at it.
func (db *DB) UseHearing(ctx context.Context, userID, microphone string) error {
	return db.do(ctx, "hearing", func(ctx context.Context, q querier) error {
		tag, err := q.Exec(ctx, `UPDATE hearings SET used_at = $3
			WHERE user_id = $1 AND microphone = $2`, userID, microphone, db.now())
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("microphone: %w", store.ErrNotFound)
		}
		return err
	})
}

// DeleteHearings removes what is known of a user at every microphone.
func (db *DB) DeleteHearings(ctx context.Context, userID string) error {
	return db.do(ctx, "hearing", func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx, `DELETE FROM hearings WHERE user_id = $1`, userID)
		return err
	})
}
