package auth

import (
	"context"
	"errors"
	"fmt"

	"bedside/store"
)

// Principal is the user who makes a request, and their session. User may be from the cache, and
// leaves out what most requests do not need.
type Principal struct {
	User      store.User
	SessionID string
}

type principalKey struct{}

// WithPrincipal returns a context with the principal of a request.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns the principal of a request. It returns store.ErrUnauthenticated when
// nobody is signed in.
func PrincipalFrom(ctx context.Context) (Principal, error) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	if !ok {
		return p, store.ErrUnauthenticated
	}
	return p, nil
}

// Authenticate finds the principal of an access token. The session is read from the store, or from
// the cache while session events arrive, so that signing out, disabling an account and changing a
// role take effect at once. It returns store.ErrExpired when the token has expired,
// store.ErrUnauthenticated when it was not issued here or its session has ended, and
// store.ErrForbidden when the account is disabled.
func (s *Sessions) Authenticate(ctx context.Context, access string) (Principal, error) {
	claims, err := s.tokens.parseAccess(access)
	if err != nil {
		return Principal{}, err
	}
	u, err := s.liveUser(ctx, claims.Session, claims.Subject)
	return Principal{User: u, SessionID: claims.Session}, err
}

// Check reads from the store, past the cache, whether a session can still be used. It returns
// store.ErrUnauthenticated when the session has ended, and store.ErrForbidden when the account is
// disabled.
func (s *Sessions) Check(ctx context.Context, sessionID string) error {
	s.cache.forget(sessionID)
	userID, err := s.Owner(ctx, sessionID)
	if err == nil {
		_, err = s.liveUser(ctx, sessionID, userID)
	}
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("the session is gone: %w", store.ErrUnauthenticated)
	}
	return err
}

// liveUser returns the user of a session that has not ended.
func (s *Sessions) liveUser(ctx context.Context, sessionID, userID string) (store.User, error) {
	entry, cached, generation := s.cache.find(sessionID)
	session, u, err := entry.session, entry.user, error(nil)
	if !cached {
		session, u, err = s.store.SessionUser(ctx, sessionID)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return u, fmt.Errorf("the session is gone: %w", store.ErrUnauthenticated)
	case err != nil:
		return u, err
	case !session.Live(s.tokens.cfg.Clock()) || u.ID != userID:
		return u, fmt.Errorf("the session has ended: %w", store.ErrUnauthenticated)
	case u.Disabled:
		return u, fmt.Errorf("this account is disabled: %w", store.ErrForbidden)
	}
	if !cached {
		s.cache.keep(generation, session, u)
	}
	return u, nil
}
