package users

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"bedside/api/httpx"
	"bedside/store"
)

// Limiter counts tries; store/presence does.
type Limiter interface {
	Allow(ctx context.Context, key string, limit int, window time.Duration) (ok bool, retry time.Duration, err error)
	Tries(ctx context.Context, key string) (tries int, left time.Duration, err error)
}

// Limits says how many tries a minute are taken. Only wrong ones count towards LoginPerAccount.
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

// network is what limits take for one address: of IPv6, the /64 that a household or a server is given.
func network(ctx context.Context) string {
	ip := remoteIP(ctx)
	addr, err := netip.ParseAddr(ip)
	if err != nil || !addr.Is6() || addr.Is4In6() {
		return ip
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return prefix.String()
}

// allow counts a try. While presence is away everybody may try: hashing is bounded in any case, and nobody is to be locked out by an outage.
func (s *Service) allow(ctx context.Context, key string, limit int) error {
	ok, retry, err := s.Limiter.Allow(ctx, key, limit, time.Minute)
	if err != nil {
		s.Log.Warn("tries are not counted", "error", err)
		return nil
	}
	return verdict(ok, retry)
}

// mayTry is allow without counting.
func (s *Service) mayTry(ctx context.Context, key string, limit int) error {
	tries, left, err := s.Limiter.Tries(ctx, key)
	if err != nil {
		s.Log.Warn("tries are not known", "error", err)
		return nil
	}
	return verdict(tries < limit, left)
}

func verdict(ok bool, retry time.Duration) error {
	if ok {
		return nil
	}
	return &httpx.Fault{Err: store.ErrLimit, Detail: "Too many tries. Wait a minute, then try again.", RetryAfter: retry}
}

// busy gives the password pool's limit its words.
func busy(err error) error {
	if errors.Is(err, store.ErrLimit) {
		return &httpx.Fault{Err: err, Detail: "Many people sign in at this moment. Try again in a second.", RetryAfter: time.Second}
	}
	return err
}
