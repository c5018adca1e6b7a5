package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"bedside/store"

	"github.com/google/uuid"
)

const actColumns = `a.id::text, a.at, a.action, a.outcome, coalesce(a.actor_id::text, ''),
	coalesce(a.user_id::text, ''), coalesce(a.session_id::text, ''), a.object, a.detail, a.ip,
	a.user_agent`

func actTargets(a *store.Act) []any {
	return []any{
		&a.ID, &a.At, &a.Action, &a.Outcome, &a.ActorID, &a.UserID, &a.SessionID, &a.Object,
		&a.Detail, &a.IP, &a.UserAgent,
	}
}

// Record adds an entry to the audit trail. It ignores the cancellation of ctx, because the act has
// happened even when the client has disconnected. It shortens texts that are too long.
func (db *DB) Record(ctx context.Context, act store.Act) error {
	return db.do(context.WithoutCancel(ctx), "audit trail",
		func(ctx context.Context, q querier) error { return db.record(ctx, q, act) })
}

func (db *DB) record(ctx context.Context, q querier, act store.Act) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("audit trail: %w", err)
	}
	if act.At.IsZero() {
		act.At = db.now()
	}
	if act.Outcome == "" {
		act.Outcome = store.OutcomeDone
	}
	_, err = q.Exec(ctx, `INSERT INTO acts (id, at, action, outcome, actor_id, user_id, session_id,
			object, detail, ip, user_agent)
		VALUES ($1, $2, $3, $4, nullif($5, '')::uuid, nullif($6, '')::uuid, nullif($7, '')::uuid,
			$8, $9, $10, $11)`,
		id.String(), micros(act.At), act.Action, act.Outcome, act.ActorID, act.UserID,
		act.SessionID, truncate(act.Object, 200), truncate(act.Detail, 500), truncate(act.IP, 64),
		truncate(act.UserAgent, 400))
	return err
}

// truncate returns at most n bytes of s, without splitting a character, and without characters
// that PostgreSQL rejects.
func truncate(s string, n int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Acts returns entries of the audit trail, newest first. It returns store.ErrInvalid when f.Before
// is not an id.
func (db *DB) Acts(ctx context.Context, f store.ActFilter) (list []store.Act, err error) {
	if f.Before != "" && !store.IsID(f.Before) {
		return nil, fmt.Errorf("audit trail: %w: the cursor is not one of ours", store.ErrInvalid)
	}
	if f.UserID != "" && !store.IsID(f.UserID) {
		return nil, fmt.Errorf("audit trail: %w: no such account", store.ErrNotFound)
	}
	where, args := []string{"true"}, []any{f.Limit}
	add := func(clause string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(clause, len(args)))
	}
	if f.UserID != "" {
		add("(a.user_id = $%[1]d OR a.actor_id = $%[1]d)", f.UserID)
	}
	if f.Action != "" {
		add("a.action = $%d", f.Action)
	}
	if f.Before != "" {
		add("a.id < $%d", f.Before)
	}
	err = db.do(ctx, "audit trail", func(ctx context.Context, q querier) error {
		list, err = collect(ctx, q,
			`SELECT `+actColumns+` FROM acts a WHERE `+strings.Join(where,
				" AND ")+` ORDER BY a.id DESC LIMIT $1`,
			args, actTargets)
		return err
	})
	return list, err
}

// actsRetention is how long entries are kept. The table has a trigger with the same number.
const actsRetention = 400 * 24 * time.Hour

// SweepAccounts deletes old entries of the audit trail, and expired challenges, sign-ins and
// tokens.
func (db *DB) SweepAccounts(ctx context.Context) error {
	now := db.now()
	for _, s := range []struct {
		table, column string
		before        time.Time
	}{
		{"acts", "at", now.Add(-actsRetention - time.Hour)},
		{"ceremonies", "expires_at", now},
		{"sign_ins", "expires_at", now},
		{"mail_tokens", "expires_at", now.Add(-24 * time.Hour)},
	} {
		if _, err := db.sweep(ctx, s.table, s.column, s.before); err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes the rows of a table in which a column's time is before another, and returns their
// number. It deletes them in batches, so that it holds no lock for long.
func (db *DB) sweep(ctx context.Context, table, column string,
	before time.Time) (n int64, err error) {
	const batch = 5000
	for {
		var deleted int64
		err := db.do(ctx, table, func(ctx context.Context, q querier) error {
			tag, err := q.Exec(ctx,
				`DELETE FROM `+table+` WHERE ctid IN
					(SELECT ctid FROM `+table+` WHERE `+column+` < $1 LIMIT $2)`,
				before, batch)
			deleted = tag.RowsAffected()
			return err
		})
		n += deleted
		if err != nil || deleted < batch {
			return n, err
		}
	}
}
