package store

import "time"

// MaxPasskeys is how many an account may have.
const MaxPasskeys = 20

// CeremonyLife is how long an authenticator may take to answer.
const CeremonyLife = 5 * time.Minute

// Passkey is a WebAuthn credential of a user's. Credential is its public half, as JSON.
type Passkey struct {
	ID           string // UUID v7
	UserID       string
	CredentialID []byte
	Credential   []byte
	Name         string
	CreatedAt    time.Time
	LastUsedAt   *time.Time
}

// Ceremony is a challenge that waits for an authenticator's answer. Hash is the SHA-256 of the
// ticket that comes with it.
type Ceremony struct {
	Hash      []byte
	UserID    string // empty: somebody who signs in
	Data      []byte // as JSON
	ExpiresAt time.Time
}
