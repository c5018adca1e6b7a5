package store

import "time"

// MaxPasskeys is the number of passkeys that an account may have.
const MaxPasskeys = 20

// CeremonyLifetime is how long a challenge can be answered.
const CeremonyLifetime = 5 * time.Minute

// Passkey is a WebAuthn credential of a user: a key pair whose private half stays in the user's
// authenticator (a phone, a laptop or a security key). Credential is the public half, as JSON.
type Passkey struct {
	ID           string // UUID v7
	UserID       string
	CredentialID []byte
	Credential   []byte
	Name         string
	CreatedAt    time.Time
	LastUsedAt   *time.Time
}

// Ceremony is a WebAuthn exchange in progress, for adding a passkey or for signing in with one:
// the server has sent a challenge and waits for the authenticator's answer. Hash is the SHA-256 of
// the ticket that the client presents with the answer.
type Ceremony struct {
	Hash      []byte
	UserID    string // empty when signing in: the passkey says who it is
	Data      []byte // the challenge, as JSON
	ExpiresAt time.Time
}
