package store

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// Factor is a user's second factor: an authenticator app (TOTP, RFC 6238), with recovery codes
// for when it is lost. Secret is sealed, Recovery holds the hashes of the codes that were not
// used yet.
type Factor struct {
	UserID      string
	Secret      []byte
	ConfirmedAt *time.Time // nil: being set up
	LastStep    int64      // time step of the last code taken
	Recovery    [][]byte
}

// On reports whether signing in asks for it.
func (f Factor) On() bool { return f.ConfirmedAt != nil }

// UseStep takes the code of a time step. ErrReused: it, or a later one, was taken before.
func (f *Factor) UseStep(step int64) error {
	if step <= f.LastStep {
		return fmt.Errorf("the code was %w", ErrReused)
	}
	f.LastStep = step
	return nil
}

// UseRecovery takes the recovery code with the hash, and reports whether there was one.
func (f *Factor) UseRecovery(hash []byte) bool {
	i := slices.IndexFunc(f.Recovery, func(h []byte) bool { return bytes.Equal(h, hash) })
	if i < 0 {
		return false
	}
	f.Recovery = slices.Delete(f.Recovery, i, i+1)
	return true
}

// Signing in by two steps.
const (
	SignInLife  = 5 * time.Minute
	SignInTries = 5
)

// SignIn is a sign-in whose first step is done. Hash is the SHA-256 of the ticket that its second
// step needs.
type SignIn struct {
	Hash      []byte
	UserID    string
	Tries     int
	ExpiresAt time.Time
}

// Try counts a try at the second step. ErrExpired: it took too long, or there were too many.
func (s *SignIn) Try(now time.Time) error {
	if !now.Before(s.ExpiresAt) || s.Tries >= SignInTries {
		return fmt.Errorf("the sign-in has %w", ErrExpired)
	}
	s.Tries++
	return nil
}
