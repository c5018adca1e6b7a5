package store

import "time"

// Session is a signed-in device of a user; it is the account's, not the practice's. RefreshHash is the SHA-256 of the
// current refresh token, ParentHash that of the one it replaced.
type Session struct {
	ID          string // UUID
	UserID      string
	RefreshHash []byte
	ParentHash  []byte
	UserAgent   string
	IP          string
	CreatedAt   time.Time
	LastSeenAt  time.Time
	ExpiresAt   time.Time
	EndedAt     *time.Time
}

// Live reports whether the session may still be used at now.
func (s Session) Live(now time.Time) bool {
	return s.EndedAt == nil && now.Before(s.ExpiresAt)
}
