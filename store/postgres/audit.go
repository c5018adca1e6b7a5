package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"bedside/store"

	"github.com/google/uuid"
)

const actColumns = `a.id::text, a.at, a.action, a.outcome, coalesce(a.actor_id::text, ''),
	coalesce(a.user_id::text, ''), coalesce(a.session_id::text, ''), a.object, a.detail, a.ip,
	a.user_agent, coalesce(t.count, 1), coalesce(t.last_at, a.at)`

func actTargets(a *store.Act) []any {
	return []any{
		&a.ID, &a.At, &a.Action, &a.Outcome, &a.ActorID, &a.UserID, &a.SessionID, &a.Object,
		&a.Detail, &a.IP, &a.UserAgent, &a.Count, &a.LastAt,
	}
}

// Record adds an entry to the audit trail. It ignores the cancellation of ctx, because the act
// has happened even when the client has disconnected. It shortens texts that are too long. An
// act whose actor is not known is entered once an hour for each network; further ones are
// counted only, so that strangers cannot fill the trail.
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
	if act.ActorID == "" && act.IP != "" {
		if counted, err := countAct(ctx, q, id.String(), act); err != nil || counted {
			return err
		}
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

// maxNetworks is the number of networks that have entries of their own in an hour. Those of all
// others are counted together.
const maxNetworks = 10_000

// countAct counts an act of nobody known, and reports whether the hour has an entry for it. If
// not, the caller enters it as id.
func countAct(ctx context.Context, q querier, id string, act store.Act) (counted bool, err error) {
	hour := act.At.UTC().Truncate(time.Hour)
	var entry string
	err = scanOne(ctx, q, `INSERT INTO act_tallies AS t
			(act_id, hour, network, action, outcome, detail, user_id, last_at)
		SELECT $1, $2, CASE WHEN (SELECT count(*) FROM (SELECT 1 FROM act_tallies
				WHERE hour = $2 LIMIT $9) x) < $9 OR EXISTS (SELECT 1 FROM act_tallies
				WHERE hour = $2 AND network = $3) THEN $3 ELSE 'others' END,
			$4, $5, $6, nullif($7, '')::uuid, $8
		ON CONFLICT (hour, network, action, outcome, detail,
			coalesce(user_id, '00000000-0000-0000-0000-000000000000'))
		DO UPDATE SET count = t.count + 1, last_at = greatest(t.last_at, excluded.last_at)
		RETURNING act_id::text`,
		[]any{
			id, hour, truncate(store.Network(act.IP), 64), string(act.Action),
			string(act.Outcome), truncate(act.Detail, 500), act.UserID, micros(act.At),
			maxNetworks,
		}, []any{&entry})
	return entry != id, err
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
	args, limit := []any{f.UserID, cmp.Or(f.Before, lastID)}, strconv.Itoa(f.Limit)
	var page string
	switch {
	case f.UserID != "":
		action := "true"
		if f.Action != "" {
			action, args = "action = $3", append(args, f.Action)
		}
		// Most entries have the user in both columns.
		page = `SELECT DISTINCT ON (id) * FROM (
				(` + pageOf("acts", "user_id", action, f.Limit) + `) UNION ALL
				(` + pageOf("acts", "actor_id", action, f.Limit) + `)
			) x ORDER BY id DESC LIMIT ` + limit
	case f.Action != "":
		args[0] = f.Action
		page = pageOf("acts", "action", "true", f.Limit)
	default:
		args = args[1:]
		page = "SELECT * FROM acts WHERE id < $1 ORDER BY id DESC LIMIT " + limit
	}
	err = db.do(ctx, "audit trail", func(ctx context.Context, q querier) error {
		list, err = collect(ctx, q, `SELECT `+actColumns+` FROM (`+page+`) a
			LEFT JOIN LATERAL (
				SELECT count, last_at FROM act_tallies WHERE act_id = a.id LIMIT 1
			) t ON true ORDER BY a.id DESC`,
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
		{"act_tallies", "hour", now.Add(-actsRetention - time.Hour)},
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
			// With an array, no plan reads the whole table to find the rows.
			tag, err := q.Exec(ctx,
				`DELETE FROM `+table+` WHERE ctid = ANY (ARRAY(
					SELECT ctid FROM `+table+` WHERE `+column+` < $1 ORDER BY `+column+`
					LIMIT $2))`,
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
