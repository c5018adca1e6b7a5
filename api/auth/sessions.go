package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"bedside/store"

	"github.com/google/uuid"
)

// Store keeps sessions; store/postgres does.
type Store interface {
	CreateSession(ctx context.Context, u store.User, s store.Session,
		limit int) (ended []string, err error)
	Sessions(ctx context.Context, userID string, now time.Time) ([]store.Session, error)
	EndSessions(ctx context.Context, userID, except string, reason store.EndReason,
		now time.Time) (ended []string, err error)
	SessionUser(ctx context.Context, id string) (store.Session, store.User, error)
	RotateSession(ctx context.Context, id string, presented []byte, next store.Rotation,
		now time.Time) (store.Session, store.User, error)
	EndSession(ctx context.Context, id string, reason store.EndReason, now time.Time) error
}

// Sessions signs devices in and out and knows who is behind a token. It is safe for concurrent
// use.
type Sessions struct {
	tokens  *tokens
	store   Store
	tickets Tickets
	cache   *cache
}

// NewSessions checks the keys.
func NewSessions(cfg Config, s Store, tickets Tickets) (*Sessions, error) {
	t, err := newTokens(cfg)
	if err != nil {
		return nil, err
	}
	return &Sessions{tokens: t, store: s, tickets: tickets, cache: newCache(t.cfg.Clock)}, nil
}

// Device is what is known of whoever signs in.
type Device struct {
	UserAgent   string
	IP          string
	Fingerprint string
}

// Grant is what signing in and refreshing give.
type Grant struct {
	User             store.User
	SessionID        string
	Access           string
	AccessTTL        time.Duration
	Refresh          string
	RefreshExpiresAt time.Time
	Ended            store.EndReason // why there is no grant, when the session has ended
	SignedOut        int             // devices that had to give way
}

// Principal is who makes a request, and with which session.
type Principal struct {
	User      store.User
	SessionID string
}

// Start signs a device in, of a user as they were when they proved who they are.
// store.ErrUnauthenticated: their password was changed since; store.ErrForbidden: they were
// disabled. Of the user's other devices those are signed out that were not seen for longest, when
// there are too many.
func (s *Sessions) Start(ctx context.Context, u store.User, d Device) (Grant, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Grant{}, fmt.Errorf("session id: %w", err)
	}
	now := s.tokens.cfg.Clock()
	token := newRefreshToken(id)
	session := store.Session{
		ID: id.String(), UserID: u.ID, RefreshHash: token.hash(), UserAgent: d.UserAgent, IP: d.IP, Fingerprint: d.Fingerprint,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(min(s.tokens.cfg.SessionTTL,
			s.tokens.cfg.SessionMax)), MaxExpiresAt: now.Add(s.tokens.cfg.SessionMax),
	}
	ended, err := s.store.CreateSession(ctx, u, session, s.tokens.cfg.SessionLimit)
	if err != nil {
		return Grant{}, err
	}
	s.publishEnd(ended,
		"You signed in on another device, and there is a limit to how many may be signed in.")
	g, err := s.grant(u, session, token)
	g.SignedOut = len(ended)
	return g, err
}

// Refresh gives a new access token and the refresh token that is current afterwards: a new one
// for the current one, the current one for its parent. store.ErrReused: the token is older than
// that, and the session, which the Grant names, has been ended.
func (s *Sessions) Refresh(ctx context.Context, refresh string) (Grant, error) {
	token, err := s.tokens.ring.parseRefresh(refresh)
	if err != nil {
		return Grant{}, err
	}
	salt := make([]byte, secretBytes)
	_, _ = rand.Read(salt) // never fails
	now := s.tokens.cfg.Clock()
	next := store.Rotation{
		Hash: token.child(salt).hash(), Salt: salt, ExpiresAt: now.Add(s.tokens.cfg.SessionTTL),
	}
	session, u, err := s.store.RotateSession(ctx, token.session.String(), token.hash(), next, now)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Grant{}, fmt.Errorf("the session is gone: %w", store.ErrUnauthenticated)
	case errors.Is(err, store.ErrReused):
		s.publishEnd([]string{session.ID},
			"A refresh token was used twice, so this device was signed out for safety.")
		return Grant{SessionID: session.ID, User: u, Ended: session.EndReason}, err
	case err != nil:
		return Grant{SessionID: session.ID, User: u, Ended: session.EndReason}, err
	case u.Disabled:
		return Grant{}, fmt.Errorf("this account is disabled: %w", store.ErrForbidden)
	}
	return s.grant(u, session, token.child(session.RefreshSalt))
}

func (s *Sessions) grant(u store.User, session store.Session, token refreshToken) (Grant, error) {
	access, err := s.tokens.access(u, session.ID)
	return Grant{
		User: u, SessionID: session.ID, Access: access, AccessTTL: s.tokens.cfg.AccessTTL,
		Refresh: s.tokens.ring.formatRefresh(token), RefreshExpiresAt: session.ExpiresAt,
	}, err
}

// SessionOf names the session of a refresh token that we issued, current or not.
func (s *Sessions) SessionOf(refresh string) (id string, err error) {
	token, err := s.tokens.ring.parseRefresh(refresh)
	return token.session.String(), err
}

// End signs a device out, at once: its access tokens are worth nothing from now on.
func (s *Sessions) End(ctx context.Context, sessionID string) error {
	if err := s.store.EndSession(ctx, sessionID, store.EndSignedOut,
		s.tokens.cfg.Clock()); err != nil {
		return err
	}
	s.publishEnd([]string{sessionID}, "You signed out.")
	return nil
}

// Devices lists a user's signed-in devices, the last seen first.
func (s *Sessions) Devices(ctx context.Context, userID string) ([]store.Session, error) {
	return s.store.Sessions(ctx, userID, s.tokens.cfg.Clock())
}

// Revoke signs somebody's device out from elsewhere. store.ErrNotFound: it is not the user's, or
// no longer signed in.
func (s *Sessions) Revoke(ctx context.Context, userID, sessionID, why string) error {
	session, u, err := s.store.SessionUser(ctx, sessionID)
	if err != nil {
		return err
	}
	if u.ID != userID || !session.Live(s.tokens.cfg.Clock()) {
		return fmt.Errorf("session: %w", store.ErrNotFound)
	}
	if err := s.store.EndSession(ctx, session.ID, store.EndRevoked,
		s.tokens.cfg.Clock()); err != nil {
		return err
	}
	s.publishEnd([]string{session.ID}, why) // by its own spelling, whatever was asked for
	return nil
}

// Owner finds whose session it is, ended or not. store.ErrNotFound: nobody's.
func (s *Sessions) Owner(ctx context.Context, sessionID string) (userID string, err error) {
	_, u, err := s.store.SessionUser(ctx, sessionID)
	return u.ID, err
}

// RevokeOthers signs a user's devices out but for one, and says how many. Without an exception
// all are.
func (s *Sessions) RevokeOthers(ctx context.Context, userID, except, why string) (int, error) {
	ended, err := s.store.EndSessions(ctx, userID, except, store.EndRevoked, s.tokens.cfg.Clock())
	s.publishEnd(ended, why)
	return len(ended), err
}

// CloseRooms closes the rooms that a user's devices are in. The devices stay signed in.
func (s *Sessions) CloseRooms(ctx context.Context, userID, reason string) error {
	devices, err := s.Devices(ctx, userID)
	if err != nil {
		return err
	}
	for _, d := range devices {
		s.publishEnd([]string{d.ID}, reason)
	}
	return nil
}

// publishEnd makes the end of sessions known in this process and to others. The reason is for the
// people who used them.
func (s *Sessions) publishEnd(sessionIDs []string, reason string) {
	for _, id := range sessionIDs {
		s.cache.forget(id)
		s.tokens.cfg.OnSessionEnded(id, reason)
	}
}

// AfterChange makes known, in this process and to others, that an account has changed, and that the
// change ended some of its sessions. The reason is for the people who used those.
func (s *Sessions) AfterChange(userID string, endedSessions []string, reason string) {
	s.cache.forgetUser(userID)
	s.tokens.cfg.OnUserChanged(userID)
	s.publishEnd(endedSessions, reason)
}

// HandleEvent drops what the cache holds of a session that another process has ended or, when the
// event names no session, of a user whom another process has changed.
func (s *Sessions) HandleEvent(e store.SessionEvent) {
	if e.SessionID != "" {
		s.cache.forget(e.SessionID)
		return
	}
	s.cache.forgetUser(e.UserID)
}

// SetEventsLive says whether the events of other processes arrive. The cache is empty, and every
// request reads the store, until it is called with true and after it is called with false.
func (s *Sessions) SetEventsLive(live bool) { s.cache.setEventsLive(live) }

// Authenticate finds who is behind an access token. The session is looked up, or remembered only
// for as long as its end would be heard of, so that signing out, disabling an account and
// changing a role work at once.
func (s *Sessions) Authenticate(ctx context.Context, access string) (Principal, error) {
	claims, err := s.tokens.parseAccess(access)
	if err != nil {
		return Principal{}, err
	}
	u, err := s.live(ctx, claims.Session, claims.Subject)
	return Principal{User: u, SessionID: claims.Session}, err
}

// Check asks the store whether a session is in use. store.ErrUnauthenticated or
// store.ErrForbidden: no longer.
func (s *Sessions) Check(ctx context.Context, sessionID string) error {
	s.cache.forget(sessionID)
	userID, err := s.Owner(ctx, sessionID)
	if err == nil {
		_, err = s.live(ctx, sessionID, userID)
	}
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("the session is gone: %w", store.ErrUnauthenticated)
	}
	return err
}

// live finds the user of a session that is in use.
func (s *Sessions) live(ctx context.Context, sessionID, userID string) (store.User, error) {
	r, known, generation := s.cache.find(sessionID)
	session, u, err := r.session, r.user, error(nil)
	if !known {
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
	if !known {
		s.cache.keep(generation, session, u)
	}
	return u, nil
}

// Ticket lets a user join a room once, within a minute.
func (s *Sessions) Ticket(j store.Join) (ticket string, expires time.Time, err error) {
	return s.tokens.ticket(j)
}

// VerifyTicket takes a ticket: it is worth nothing afterwards. The errors are the ErrTicket ones,
// or store.ErrUnavailable when it cannot be known whether the ticket was used.
func (s *Sessions) VerifyTicket(ctx context.Context, ticket string) (store.Join, error) {
	claims, err := s.tokens.parseTicket(ticket)
	if err != nil {
		return store.Join{}, err
	}
	if _, err := s.live(ctx, claims.Session,
		claims.Subject); errors.Is(err, store.ErrUnauthenticated) || errors.Is(err, store.ErrForbidden) {
		return store.Join{}, ErrTicketEnded
	} else if err != nil {
		return store.Join{}, err
	}
	err = s.tickets.UseTicket(ctx, claims.ID, claims.ExpiresAt.Sub(s.tokens.cfg.Clock())+2*leeway)
	if errors.Is(err, store.ErrReused) {
		return store.Join{}, ErrTicketUsed
	}
	if err != nil {
		return store.Join{}, err
	}
	return store.Join{
		AttemptID: claims.Attempt, UserID: claims.Subject, SessionID: claims.Session, Name: claims.Name, Role: claims.Role, Expires: claims.ExpiresAt.Time,
	}, nil
}

type principalKey struct{}

// WithPrincipal gives a request's context its principal.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom is who makes the request; store.ErrUnauthenticated when nobody is known.
func PrincipalFrom(ctx context.Context) (Principal, error) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	if !ok {
		return p, store.ErrUnauthenticated
	}
	return p, nil
}
