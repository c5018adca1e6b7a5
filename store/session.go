package store

import (
	"crypto/subtle"
	"fmt"
	"time"
)

// Session is one signed-in device of a user. The device has two tokens: a short-lived access
// token for requests, and a refresh token, which it exchanges for new ones. Each refresh replaces
// the refresh token by a child.
//
// RefreshHash is the SHA-256 of the current refresh token, ParentHash that of the token before it.
// The current token was derived from its parent and RefreshSalt. When a client repeats a request
// with the parent, the same token can be derived again, although only its hash is stored.
//
// Each refresh extends ExpiresAt, but never beyond MaxExpiresAt. Fingerprint is a hash of how the
// device describes itself. It helps users to recognise a device; it is not secret and proves
// nothing.
type Session struct {
	ID           string // UUID
	UserID       string
	RefreshHash  []byte
	ParentHash   []byte
	RefreshSalt  []byte
	UserAgent    string
	IP           string
	Fingerprint  string
	CreatedAt    time.Time
	LastSeenAt   time.Time
	ExpiresAt    time.Time
	MaxExpiresAt time.Time
	EndedAt      *time.Time
	EndReason    EndReason
}

// EndReason says why a session ended.
type EndReason string

// The reasons why sessions end.
const (
	EndSignedOut EndReason = "signed-out"
	EndLimit     EndReason = "too-many-devices"
	EndReused    EndReason = "refresh-reused"
	// by the user from another device, or by an administrator
	EndRevoked EndReason = "ended-elsewhere"
)

// Live reports whether the session can be used at the given time.
func (s Session) Live(now time.Time) bool {
	return s.EndedAt == nil && now.Before(s.ExpiresAt)
}

// End ends the session. A second call changes nothing.
func (s *Session) End(reason EndReason, now time.Time) {
	if s.EndedAt == nil {
		s.EndedAt, s.EndReason = &now, reason
	}
}

// Rotate handles a refresh with the token whose hash is presented:
//
//   - The current token is replaced by the next one.
//   - Its parent changes nothing: the response was lost, or a second tab was late. The caller
//     derives the current token again from RefreshSalt.
//   - Any other token is older, so somebody copied it. The session ends, and Rotate returns
//     ErrReused.
//
// Rotate returns ErrUnauthenticated when the session has ended. The caller must save the session
// even when there is an error.
func (s *Session) Rotate(presented []byte, next Rotation, now time.Time) error {
	if !s.Live(now) {
		return fmt.Errorf("the session has ended: %w", ErrUnauthenticated)
	}
	switch {
	case subtle.ConstantTimeCompare(presented, s.RefreshHash) == 1:
		s.ParentHash, s.RefreshHash, s.RefreshSalt = s.RefreshHash, next.Hash, next.Salt
		s.ExpiresAt = next.ExpiresAt
		if s.ExpiresAt.After(s.MaxExpiresAt) {
			s.ExpiresAt = s.MaxExpiresAt
		}
	case len(s.ParentHash) > 0 && subtle.ConstantTimeCompare(presented, s.ParentHash) == 1:
	default:
		s.End(EndReused, now)
		return fmt.Errorf("the refresh token was used before, so the session was ended: %w",
			ErrReused)
	}
	s.LastSeenAt = now
	return nil
}

// Rotation is the next refresh token.
type Rotation struct {
	Hash      []byte
	Salt      []byte
	ExpiresAt time.Time
}

// SessionEvent tells the other processes about a change. Either the session SessionID has ended,
// and Reason says why in words for its user, or, when SessionID is empty, the account of UserID
// has changed.
type SessionEvent struct {
	SessionID string `json:"session_id,omitempty"`
	UserID    string `json:"user_id,omitempty"`
	Reason    string `json:"reason,omitempty"`
}
