package store

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// Factor is a user's second factor: an authenticator app (TOTP, RFC 6238), with recovery codes
// for when the app is lost.
type Factor struct {
	UserID      string
	Secret      []byte     // the app's key, encrypted
	ConfirmedAt *time.Time // nil while the app is being set up
	LastStep    int64      // time step of the last accepted code
	Recovery    [][]byte   // hashes of the recovery codes that are unused
}

// On reports whether signing in needs the factor.
func (f Factor) On() bool { return f.ConfirmedAt != nil }

// UseStep accepts the code of a time step. It returns ErrReused when the code of this step or of a
// later one was accepted before.
func (f *Factor) UseStep(step int64) error {
	if step <= f.LastStep {
		return fmt.Errorf("the code was %w", ErrReused)
	}
	f.LastStep = step
	return nil
}

// UseRecovery removes the recovery code with the hash, and reports whether there was one.
func (f *Factor) UseRecovery(hash []byte) bool {
	i := slices.IndexFunc(f.Recovery, func(h []byte) bool { return bytes.Equal(h, hash) })
	if i < 0 {
		return false
	}
	f.Recovery = slices.Delete(f.Recovery, i, i+1)
	return true
}

const (
	// SignInLifetime is how long a user may take for the second step of signing in.
	SignInLifetime = 5 * time.Minute
	// MaxSignInTries is the number of codes that a user may try in that time.
	MaxSignInTries = 5
)

// SignIn is a sign-in whose first step (the password) succeeded and whose second step (a code) is
// to come. Hash is the SHA-256 of the ticket that the client presents with the code.
type SignIn struct {
	Hash      []byte
	UserID    string
	Tries     int
	ExpiresAt time.Time
}

// Try counts a try at the second step. It returns ErrExpired when the time is over or all tries
// are used.
func (s *SignIn) Try(now time.Time) error {
	if !now.Before(s.ExpiresAt) || s.Tries >= MaxSignInTries {
		return fmt.Errorf("the sign-in has %w", ErrExpired)
	}
	s.Tries++
	return nil
}
