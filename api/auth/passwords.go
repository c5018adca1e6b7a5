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

// The lengths of a password, in bytes: bcrypt sees the first 72 only.
const (
	MinPassword = 8
	MaxPassword = 72
)

// What is wrong with a new password.
var (
	ErrPasswordLength = fmt.Errorf("a password has %d to %d bytes: %w", MinPassword, MaxPassword,
		store.ErrInvalid)
	ErrPasswordCommon = fmt.Errorf("this password is among the first that anybody would try: %w",
		store.ErrInvalid)
)

// Passwords checks, hashes and compares, a few at a time: bcrypt is slow on purpose, and the
// media of live rooms must not starve.
type Passwords struct {
	cost int
	// compared with when there is no account, so that the answer takes as long
	dummy  []byte
	places chan struct{} // those who wait and those who work
	slots  chan struct{} // those who work
	common map[string]bool
}

// waiting is how many may wait for each one that works: about a second's worth.
const waiting = 16

// NewPasswords takes bcrypt's cost, 10 when zero.
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
		places: make(chan struct{}, workers*(1+waiting)),
	}, nil
}

// Hash hashes a new password. ErrPasswordLength: too short or too long; store.ErrLimit: too many
// at once.
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

// Compare reports whether the password fits the hash; an empty hash stands for an account that
// does not exist. The time it takes does not tell the two apart. store.ErrLimit: too many at
// once.
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

func (p *Passwords) work(ctx context.Context, do func() error) error {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		return &LimitError{
			Detail:     "Many people sign in at this moment. Try again in a second.",
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
