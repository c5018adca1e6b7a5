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
	// ErrPasswordCommon is returned for a password that is easy to guess, such as a widely used
	// one or the user's name or address.
	ErrPasswordCommon = fmt.Errorf("this password is easy to guess: %w",
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

	minScore int
	breaches *breaches // nil unless a server is configured
}

// waitersPerSlot is the number of callers that may wait for a slot: about a second of work.
const waitersPerSlot = 16

// maxWait is how long a caller waits for a slot before it is told to try again later.
const maxWait = 800 * time.Millisecond

// NewPasswords returns Passwords by the configuration.
func NewPasswords(cfg Config) (*Passwords, error) {
	cfg = cfg.withDefaults()
	cost := cfg.HashCost
	dummy, err := bcrypt.GenerateFromPassword([]byte("nobody has this password"), cost)
	if err != nil {
		return nil, fmt.Errorf("auth: passwords: %w", err)
	}
	workers := max(1, runtime.GOMAXPROCS(0)/2)
	return &Passwords{
		cost: cost, dummy: dummy, slots: make(chan struct{}, workers),
		places:   make(chan struct{}, workers*(1+waitersPerSlot)),
		minScore: cfg.PasswordScore, breaches: newBreaches(cfg.BreachURL, cfg.OnBreachCheck),
	}, nil
}

// Hash returns the hash of a new password. It returns ErrPasswordLength when the password is too
// short or too long, ErrPasswordBreached when it is in a published breach, and a LimitError when
// too many callers wait. The caller has called Check before.
func (p *Passwords) Hash(ctx context.Context, password string) (hash string, err error) {
	if n := len(password); n < MinPassword || n > MaxPassword {
		return "", ErrPasswordLength
	}
	if err := p.breaches.check(ctx, password); err != nil {
		return "", err
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

// work runs a function when a slot is free. It returns a LimitError when too many callers wait, or
// when no slot is free in time.
func (p *Passwords) work(ctx context.Context, do func() error) error {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		return errBusy()
	}
	wait := time.NewTimer(maxWait)
	defer wait.Stop()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-wait.C:
		return errBusy()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return do()
}

func errBusy() error {
	return &LimitError{
		Detail:     "Many people are signing in. Try again in a few seconds.",
		RetryAfter: 2 * time.Second,
	}
}
