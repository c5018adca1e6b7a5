package store

import (
	"crypto/subtle"
	"fmt"
	"time"
)

// Session is a signed-in device of a user; it is the account's, not the practice's. RefreshHash
// is the SHA-256 of the current refresh token, ParentHash that of the one it replaced.
// RefreshSalt is what the current token was derived from its parent with, so that a repeated
// request with the parent can be given the very same current token although only its hash is
// kept.
//
// ExpiresAt moves on with each refresh, but never past MaxExpiresAt. Fingerprint is a hash of
// what a device says of itself, to recognise it, not to track it: it is no secret and proves
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

// The reasons.
const (
	EndSignedOut EndReason = "signed-out"
	EndLimit     EndReason = "too-many-devices"
	EndReused    EndReason = "refresh-reused"
	// by the user from another device, or by an administrator
	EndRevoked EndReason = "ended-elsewhere"
)

// Live reports whether the session may still be used at now.
func (s Session) Live(now time.Time) bool {
	return s.EndedAt == nil && now.Before(s.ExpiresAt)
}

// End ends the session; doing it again keeps the first end.
func (s *Session) End(reason EndReason, now time.Time) {
	if s.EndedAt == nil {
		s.EndedAt, s.EndReason = &now, reason
	}
}

// Rotate answers a refresh with the token whose hash is presented. The current token is replaced
// by the next one. Its parent (a lost answer, a second tab) leaves everything as it is: the
// caller derives the current token again from RefreshSalt. Anything older was copied by somebody:
// the session ends, and the error is ErrReused. The session must be kept whatever the error is.
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

// Rotation is the refresh token that follows.
type Rotation struct {
	Hash      []byte
	Salt      []byte
	ExpiresAt time.Time
}

// SessionEvent says what has become of sessions, to other processes: SessionID has ended for a
// reason that its user may read, or, when it is empty, what is known of UserID's account has
// changed.
type SessionEvent struct {
	SessionID string `json:"session_id,omitempty"`
	UserID    string `json:"user_id,omitempty"`
	Reason    string `json:"reason,omitempty"`
}
