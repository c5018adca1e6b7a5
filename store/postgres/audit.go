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

const actColumns = `a.id::text, a.at, a.action, a.outcome, coalesce(a.actor_id::text, ''), coalesce(a.user_id::text, ''), coalesce(a.session_id::text, ''),
	a.object, a.detail, a.ip, a.user_agent`

func actTargets(a *store.Act) []any {
	return []any{&a.ID, &a.At, &a.Action, &a.Outcome, &a.ActorID, &a.UserID, &a.SessionID, &a.Object, &a.Detail, &a.IP, &a.UserAgent}
}

// Record adds an entry to the audit trail. Texts that are too long are cut.
func (db *DB) Record(ctx context.Context, act store.Act) error {
	return db.do(ctx, "audit trail", func(ctx context.Context, q querier) error { return db.record(ctx, q, act) })
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
	_, err = q.Exec(ctx, `INSERT INTO acts (id, at, action, outcome, actor_id, user_id, session_id, object, detail, ip, user_agent)
		VALUES ($1, $2, $3, $4, nullif($5, '')::uuid, nullif($6, '')::uuid, nullif($7, '')::uuid, $8, $9, $10, $11)`,
		id.String(), micros(act.At), act.Action, act.Outcome, act.ActorID, act.UserID, act.SessionID,
		cut(act.Object, 200), cut(act.Detail, 500), cut(act.IP, 64), cut(act.UserAgent, 400))
	return err
}

// cut gives at most n bytes of whole characters that PostgreSQL takes.
func cut(s string, n int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Acts lists entries, the newest first. ErrInvalid: before is no id.
func (db *DB) Acts(ctx context.Context, f store.ActFilter) (list []store.Act, err error) {
	if f.Before != "" && uuid.Validate(f.Before) != nil {
		return nil, fmt.Errorf("audit trail: %w: the cursor is not one of ours", store.ErrInvalid)
	}
	if f.UserID != "" && uuid.Validate(f.UserID) != nil {
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
		list, err = collect(ctx, q, `SELECT `+actColumns+` FROM acts a WHERE `+strings.Join(where, " AND ")+` ORDER BY a.id DESC LIMIT $1`, args, actTargets)
		return err
	})
	return list, err
}

// actsKept is how long entries stay; the table's trigger holds the same.
const actsKept = 400 * 24 * time.Hour

// SweepAccounts removes what has had its time: old entries of the audit trail, and the tokens of links that no longer work.
func (db *DB) SweepAccounts(ctx context.Context) error {
	now := db.now()
	return db.transact(ctx, "sweep", func(ctx context.Context, q querier) error {
		for _, s := range []struct {
			sql    string
			before time.Time
		}{
			{`DELETE FROM acts WHERE id IN (SELECT id FROM acts WHERE at < $1 ORDER BY at LIMIT 5000)`, now.Add(-actsKept - time.Hour)},
			{`DELETE FROM ceremonies WHERE expires_at < $1`, now},
			{`DELETE FROM sign_ins WHERE expires_at < $1`, now},
			{`DELETE FROM mail_tokens WHERE expires_at < $1`, now.Add(-24 * time.Hour)},
		} {
			if _, err := q.Exec(ctx, s.sql, s.before); err != nil {
				return err
			}
		}
		return nil
	})
}
