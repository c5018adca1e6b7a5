package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/store"

	"github.com/google/uuid"
)

const sessionColumns = `s.id::text, s.user_id::text, s.refresh_hash, s.parent_hash, s.refresh_salt, s.user_agent, s.ip,
	s.created_at, s.last_seen_at, s.expires_at, s.ended_at`

func sessionTargets(s *store.Session) []any {
	return []any{&s.ID, &s.UserID, &s.RefreshHash, &s.ParentHash, &s.RefreshSalt, &s.UserAgent, &s.IP,
		&s.CreatedAt, &s.LastSeenAt, &s.ExpiresAt, &s.EndedAt}
}

// CreateSession keeps a new session; its id is the caller's, since the refresh token names it.
func (db *DB) CreateSession(ctx context.Context, s store.Session) error {
	return db.do(ctx, "session", func(ctx context.Context, q querier) error {
		_, err := q.Exec(ctx, `INSERT INTO sessions (id, user_id, refresh_hash, user_agent, ip, created_at, last_seen_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			s.ID, s.UserID, s.RefreshHash, s.UserAgent, s.IP, micros(s.CreatedAt), micros(s.LastSeenAt), micros(s.ExpiresAt))
		return err
	})
}

// SessionUser finds a session and its user in one read. Whether they may act is the caller's to judge.
func (db *DB) SessionUser(ctx context.Context, id string) (s store.Session, u store.User, err error) {
	if uuid.Validate(id) != nil {
		return s, u, fmt.Errorf("session: %w", store.ErrNotFound)
	}
	err = db.do(ctx, "session", func(ctx context.Context, q querier) error {
		return scanOne(ctx, q, `SELECT `+sessionColumns+`, `+userColumns+` FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1`,
			[]any{id}, append(sessionTargets(&s), userTargets(&u)...))
	})
	return s, u, err
}

// RotateSession runs store.Session.Rotate under the session's row lock and keeps what it did, whatever its error.
func (db *DB) RotateSession(ctx context.Context, id string, presented []byte, next store.Rotation, now time.Time) (s store.Session, u store.User, err error) {
	if uuid.Validate(id) != nil {
		return s, u, fmt.Errorf("session: %w", store.ErrNotFound)
	}
	next.ExpiresAt = micros(next.ExpiresAt)
	var verdict error
	err = db.transact(ctx, "session", func(ctx context.Context, q querier) error {
		err := scanOne(ctx, q, `SELECT `+sessionColumns+`, `+userColumns+` FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1 FOR UPDATE OF s`,
			[]any{id}, append(sessionTargets(&s), userTargets(&u)...))
		if err != nil {
			return err
		}
		verdict = s.Rotate(presented, next, micros(now))
		return saveSession(ctx, q, s)
	})
	return s, u, errors.Join(err, verdict)
}

// EndSession ends a session; ending it again is no error.
func (db *DB) EndSession(ctx context.Context, id string, now time.Time) error {
	if uuid.Validate(id) != nil {
		return fmt.Errorf("session: %w", store.ErrNotFound)
	}
	return db.transact(ctx, "session", func(ctx context.Context, q querier) error {
		var s store.Session
		err := scanOne(ctx, q, `SELECT `+sessionColumns+` FROM sessions s WHERE s.id = $1 FOR UPDATE`, []any{id}, sessionTargets(&s))
		if err != nil {
			return err
		}
		s.End(micros(now))
		return saveSession(ctx, q, s)
	})
}

func saveSession(ctx context.Context, q querier, s store.Session) error {
	_, err := q.Exec(ctx, `UPDATE sessions SET refresh_hash = $2, parent_hash = $3, refresh_salt = $4, last_seen_at = $5, expires_at = $6, ended_at = $7 WHERE id = $1`,
		s.ID, s.RefreshHash, s.ParentHash, s.RefreshSalt, s.LastSeenAt, s.ExpiresAt, s.EndedAt)
	return err
}
