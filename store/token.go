package store

import (
	"fmt"
	"time"
)

// TokenPurpose says what a mailed link is for.
type TokenPurpose string

// The purposes of mailed links.
const (
	TokenVerify TokenPurpose = "verify"
	TokenReset  TokenPurpose = "reset"
	TokenChange TokenPurpose = "change" // to the address that the link was sent to
)

// Life is how long a link works.
func (p TokenPurpose) Life() time.Duration {
	if p == TokenReset {
		return 10 * time.Minute
	}
	return 24 * time.Hour
}

// MailToken is what proves that a mail was read. Hash is the SHA-256 of the token in the link;
// the token itself is not kept.
type MailToken struct {
	Hash      []byte
	UserID    string
	Purpose   TokenPurpose
	Email     string // that it was sent to
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
}

// Use takes the token: it works once, until it expires, and only while the account still has the
// address, unless it is to get it.
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
