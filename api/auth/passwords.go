package auth

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"bedside/store"

	"golang.org/x/crypto/bcrypt"
)

// The limits of a password's length, in bytes. bcrypt uses the first 72 only.
const (
	MinPassword = 8
	MaxPassword = 72
)

// Errors of new passwords. Both wrap store.ErrInvalid.
var (
	// ErrPasswordLength is returned for a password that is too short or too long.
	ErrPasswordLength = fmt.Errorf("a password has %d to %d bytes: %w", MinPassword, MaxPassword,
		store.ErrInvalid)
	// ErrPasswordCommon is returned for a password that is widely used, or that is the user's name
	// or address.
	ErrPasswordCommon = fmt.Errorf("this password is among the first that anybody would try: %w",
		store.ErrInvalid)
)

// Passwords checks, hashes and compares passwords. bcrypt is slow on purpose, so only half of the
// CPUs hash at the same time: the media of live rooms needs the others. It is safe for concurrent
// use.
type Passwords struct {
	cost int
	// dummy is the hash to compare with when there is no account, so that the answer takes as
	// long.
	dummy  []byte
	places chan struct{} // has an element for each caller that waits or hashes
	slots  chan struct{} // has an element for each caller that hashes
	common map[string]bool
}

// waitersPerSlot is the number of callers that may wait for a slot: about a second of work.
const waitersPerSlot = 16

// NewPasswords returns Passwords of a bcrypt cost, 10 when it is zero.
func NewPasswords(cost int) (*Passwords, error) {
	if cost == 0 {
		cost = bcrypt.DefaultCost
	}
	dummy, err := bcrypt.GenerateFromPassword([]byte("nobody has this password"), cost)
	if err != nil {
		return nil, fmt.Errorf("auth: passwords: %w", err)
	}
	workers := max(1, runtime.GOMAXPROCS(0)/2)
	return &Passwords{
		cost: cost, common: commonPasswords(), dummy: dummy, slots: make(chan struct{}, workers),
		places: make(chan struct{}, workers*(1+waitersPerSlot)),
	}, nil
}

// Hash returns the hash of a new password. It returns ErrPasswordLength when the password is too
// short or too long, and a LimitError when too many callers wait.
func (p *Passwords) Hash(ctx context.Context, password string) (hash string, err error) {
	if n := len(password); n < MinPassword || n > MaxPassword {
		return "", ErrPasswordLength
	}
	err = p.work(ctx, func() error {
		b, err := bcrypt.GenerateFromPassword([]byte(password), p.cost)
		hash = string(b)
		return err
	})
	return hash, err
}

// Compare reports whether a password matches a hash. An empty hash stands for an account that does
// not exist; the comparison takes as long then. It returns a LimitError when too many callers
// wait.
func (p *Passwords) Compare(ctx context.Context, hash, password string) (ok bool, err error) {
	against, possible := []byte(hash), hash != "" && len(password) <= MaxPassword
	if !possible {
		against = p.dummy
	}
	err = p.work(ctx, func() error {
		err := bcrypt.CompareHashAndPassword(against,
			[]byte(password[:min(len(password), MaxPassword)]))
		if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			return nil
		}
		ok = err == nil && possible
		return err
	})
	return ok, err
}

// work runs a function when a slot is free.
func (p *Passwords) work(ctx context.Context, do func() error) error {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		return &LimitError{
			Detail:     "Many people are signing in. Try again in a second.",
			RetryAfter: time.Second,
		}
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return do()
}
