package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/store"

	"github.com/jackc/pgx/v5"
)

const sessionColumns = `s.id::text, s.user_id::text, s.refresh_hash, s.parent_hash,
	s.refresh_salt, s.user_agent, s.ip, s.fingerprint, s.created_at, s.last_seen_at, s.expires_at,
	s.max_expires_at, s.ended_at, s.end_reason`

func sessionTargets(s *store.Session) []any {
	return []any{&s.ID, &s.UserID, &s.RefreshHash, &s.ParentHash, &s.RefreshSalt, &s.UserAgent,
		&s.IP, &s.Fingerprint, &s.CreatedAt, &s.LastSeenAt, &s.ExpiresAt, &s.MaxExpiresAt,
		&s.EndedAt, &s.EndReason}
}

const sessionUserQuery = `SELECT ` + sessionColumns + `, ` + userColumns + `
	FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1`

// CreateSession saves a new session of u. The caller chooses the session's id, because the refresh
// token contains it. At most limit sessions of the user stay live: CreateSession ends those that
// were not used for the longest time, and returns their ids. It locks the user's row, so that the
// limit is exact when several devices sign in at once. It returns store.ErrUnauthenticated when
// the password has changed since u was read, and store.ErrForbidden when the account is disabled.
func (db *DB) CreateSession(ctx context.Context, u store.User, s store.Session,
	limit int) (ended []string, err error) {
	err = db.transact(ctx, "session", func(ctx context.Context, q querier) error {
		var password string
		var disabled bool
		if err := scanOne(ctx, q,
			`SELECT password_hash, disabled FROM users WHERE id = $1 FOR NO KEY UPDATE`,
			[]any{s.UserID}, []any{&password, &disabled}); err != nil {
			return err
		}
		switch {
		case disabled:
			return fmt.Errorf("this account is disabled: %w", store.ErrForbidden)
		case password != u.PasswordHash:
			return fmt.Errorf("the password was changed meanwhile: %w", store.ErrUnauthenticated)
		}
		_, err := q.Exec(ctx, `INSERT INTO sessions (id, user_id, refresh_hash, user_agent, ip,
				fingerprint, created_at, last_seen_at, expires_at, max_expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			s.ID, s.UserID, s.RefreshHash, s.UserAgent, s.IP, s.Fingerprint, micros(s.CreatedAt),
			micros(s.LastSeenAt), micros(s.ExpiresAt), micros(s.MaxExpiresAt))
		if err != nil {
			return err
		}
		ended, err = ids(ctx, q, `UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE id IN (
			SELECT id FROM sessions
			WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL AND expires_at > $3
			ORDER BY last_seen_at DESC, id DESC OFFSET $5
		) RETURNING id::text`,
			s.UserID, s.ID, micros(s.CreatedAt), store.EndLimit, max(limit-1, 0))
		return err
	})
	return ended, err
}

// Sessions returns a user's sessions that are live at the given time, most recently used first,
// without the hashes of their tokens.
func (db *DB) Sessions(ctx context.Context, userID string,
	now time.Time) (list []store.Session, err error) {
	if !store.IsID(userID) {
		return nil, fmt.Errorf("user: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "sessions", func(ctx context.Context, q querier) error {
		list, err = collect(ctx, q, `SELECT s.id::text, s.user_id::text, s.user_agent, s.ip,
				s.fingerprint, s.created_at, s.last_seen_at, s.expires_at, s.max_expires_at
			FROM sessions s WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2
			ORDER BY s.last_seen_at DESC, s.id DESC`, []any{userID, now},
			func(s *store.Session) []any {
				return []any{&s.ID, &s.UserID, &s.UserAgent, &s.IP, &s.Fingerprint, &s.CreatedAt,
					&s.LastSeenAt, &s.ExpiresAt, &s.MaxExpiresAt}
			})
		return err
	})
	return list, err
}

// RecentAddresses returns the network addresses from which a user has signed in since a time, the
// latest first, at most 50. For a user that does not exist, which may be "", it does the same work
// and returns none.
func (db *DB) RecentAddresses(ctx context.Context, userID string,
	since time.Time) (list []string, err error) {
	id := cmp.Or(userID, "00000000-0000-0000-0000-000000000000")
	err = db.do(ctx, "sessions", func(ctx context.Context, q querier) error {
		list, err = ids(ctx, q, `SELECT ip FROM sessions WHERE user_id = $1 AND created_at > $2
			GROUP BY ip ORDER BY max(created_at) DESC LIMIT 50`, id, since)
		return err
	})
	return list, err
}

// EndSessions ends a user's sessions, except for one when except is not empty, and returns the ids
// of those that it ended.
func (db *DB) EndSessions(ctx context.Context, userID, except string, reason store.EndReason,
	now time.Time) (ended []string, err error) {
	if !store.IsID(userID) || except != "" && !store.IsID(except) {
		return nil, fmt.Errorf("sessions: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "sessions", func(ctx context.Context, q querier) error {
		ended, err = ids(ctx, q, `UPDATE sessions SET ended_at = $3, end_reason = $4
			WHERE user_id = $1 AND id IS DISTINCT FROM nullif($2, '')::uuid AND ended_at IS NULL
			AND expires_at > $3 RETURNING id::text`, userID, except, micros(now), reason)
		return err
	})
	return ended, err
}

// SweepSessions deletes the sessions that ended or expired before a time, and returns their
// number.
func (db *DB) SweepSessions(ctx context.Context, before time.Time) (n int64, err error) {
	return db.sweep(ctx, "sessions", "coalesce(ended_at, expires_at)", before)
}

// ids returns the only column of a query, which is text.
func ids(ctx context.Context, q querier, sql string, args ...any) ([]string, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// SessionUser returns a session and its user in one query, or store.ErrNotFound. The caller checks
// that the session is live and the user not disabled.
func (db *DB) SessionUser(ctx context.Context, id string) (s store.Session, u store.User,
	err error) {
	if !store.IsID(id) {
		return s, u, fmt.Errorf("session: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "session", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, sessionUserQuery, []any{id},
			append(sessionTargets(&s), userTargets(&u)...))
	})
	return s, u, err
}

// RotateSession locks a session, runs store.Session.Rotate on it, and saves the result even when
// Rotate returns an error.
func (db *DB) RotateSession(ctx context.Context, id string, presented []byte, next store.Rotation,
	now time.Time) (s store.Session, u store.User, err error) {
	if !store.IsID(id) {
		return s, u, fmt.Errorf("session: %w", store.ErrNotFound)
	}
	next.ExpiresAt = micros(next.ExpiresAt)
	var ruleErr error
	err = db.transact(ctx, "session", func(ctx context.Context, q querier) error {
		err := scanOne(ctx, q, sessionUserQuery+` FOR UPDATE OF s`, []any{id},
			append(sessionTargets(&s), userTargets(&u)...))
		if err != nil {
			return err
		}
		ruleErr = s.Rotate(presented, next, micros(now))
		return saveSession(ctx, q, s)
	})
	return s, u, errors.Join(err, ruleErr)
}

// EndSession ends a session. It does nothing when the session has ended already.
func (db *DB) EndSession(ctx context.Context, id string, reason store.EndReason,
	now time.Time) error {
	if !store.IsID(id) {
		return fmt.Errorf("session: %w", store.ErrNotFound)
	}
	return db.transact(ctx, "session", func(ctx context.Context, q querier) error {
		var s store.Session
		err := scanOne(ctx, q,
			`SELECT `+sessionColumns+` FROM sessions s WHERE s.id = $1 FOR UPDATE`, []any{id},
			sessionTargets(&s))
		if err != nil {
			return err
		}
		s.End(reason, micros(now))
		return saveSession(ctx, q, s)
	})
}

func saveSession(ctx context.Context, q querier, s store.Session) error {
	_, err := q.Exec(ctx, `UPDATE sessions SET refresh_hash = $2, parent_hash = $3,
		refresh_salt = $4, last_seen_at = $5, expires_at = $6, ended_at = $7, end_reason = $8
		WHERE id = $1`,
		s.ID, s.RefreshHash, s.ParentHash, s.RefreshSalt, s.LastSeenAt, s.ExpiresAt, s.EndedAt,
		s.EndReason)
	return err
}
