package store

import (
	"fmt"
	"time"
)

// TokenPurpose is what a mailed link is for.
type TokenPurpose string

// The purposes of mailed links.
const (
	TokenVerify TokenPurpose = "verify" // confirm the account's address
	TokenReset  TokenPurpose = "reset"  // choose a new password
	TokenInvite TokenPurpose = "invite" // choose the first password
	TokenChange TokenPurpose = "change" // change the account's address to the one with the link
)

// Lifetime returns how long a link works.
func (p TokenPurpose) Lifetime() time.Duration {
	switch p {
	case TokenReset:
		return 10 * time.Minute
	case TokenInvite:
		return 7 * 24 * time.Hour
	}
	return 24 * time.Hour
}

// MailToken is the record of a mailed link. A user who presents its token can read the mail of the
// address. Hash is the SHA-256 of the token; the token itself is not stored.
type MailToken struct {
	Hash      []byte
	UserID    string
	Purpose   TokenPurpose
	Email     string // where the link was sent
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
}

// Use marks the token as used. It returns ErrReused when it was used before, and ErrExpired when
// its time is over or the account's address has changed since (unless this link changes it).
func (t *MailToken) Use(u User, now time.Time) error {
	switch {
	case t.UsedAt != nil:
		return fmt.Errorf("the link was %w", ErrReused)
	case !now.Before(t.ExpiresAt):
		return fmt.Errorf("the link has %w", ErrExpired)
	case t.Purpose != TokenChange && t.Email != u.Email:
		return fmt.Errorf("the account has another address by now: %w", ErrExpired)
	}
	t.UsedAt = &now
	return nil
}
