package users

import (
	"context"
	"errors"
	"time"

	"bedside/api/httpx"
	"bedside/store"
)

// Limiter counts tries; store/presence does. Spend takes one of each quota, or none and tells
// when; Check only tells.
type Limiter interface {
	Spend(ctx context.Context, quotas ...store.Quota) (balances []store.Balance, ok bool)
	Check(ctx context.Context, quotas ...store.Quota) (balances []store.Balance, ok bool)
}

// Limits says how many tries a minute are taken, beside the rates of all requests. Only wrong
// ones count towards LoginPerAccount.
type Limits struct {
	RegisterPerIP   int
	LoginPerIP      int
	LoginPerAccount int // and address, so that nobody can lock somebody else out
	RefreshPerIP    int
}

// DefaultLimits suit people; a classroom behind one address included.
func DefaultLimits() Limits {
	return Limits{RegisterPerIP: 60, LoginPerIP: 120, LoginPerAccount: 10, RefreshPerIP: 600}
}

// network is what limits take for the client's address.
func network(ctx context.Context) string {
	if r := httpx.RequestFrom(ctx); r != nil {
		return r.Network()
	}
	return ""
}

// allow counts a try.
func (s *Service) allow(ctx context.Context, key string, limit int) error {
	balances, ok := s.Limiter.Spend(ctx, store.Quota{Key: key, Units: limit, Window: time.Minute})
	return verdict(balances, ok)
}

// mayTry is allow without counting.
func (s *Service) mayTry(ctx context.Context, key string, limit int) error {
	balances, ok := s.Limiter.Check(ctx, store.Quota{Key: key, Units: limit, Window: time.Minute})
	return verdict(balances, ok)
}

func verdict(balances []store.Balance, ok bool) error {
	if ok {
		return nil
	}
	var retry time.Duration
	for _, b := range balances {
		retry = max(retry, b.Retry)
	}
	return &httpx.Fault{
		Err: store.ErrLimit, Detail: "Too many tries. Wait a little, then try again.",
		RetryAfter: retry,
	}
}

// busy gives the password pool's limit its words.
func busy(err error) error {
	if errors.Is(err, store.ErrLimit) {
		return &httpx.Fault{
			Err: err, Detail: "Many people sign in at this moment. Try again in a second.",
			RetryAfter: time.Second,
		}
	}
	return err
}
