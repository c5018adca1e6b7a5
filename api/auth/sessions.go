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

// ErrRefreshReused is returned by Sessions.Refresh for a token that is older than the previous
// one.
var ErrRefreshReused = fmt.Errorf("the refresh token was replaced: %w", store.ErrReused)

// Store keeps sessions; store/postgres implements it.
type Store interface {
	// CreateSession stores a session, and ends the user's least recently used ones beyond limit.
	CreateSession(ctx context.Context, u store.User, s store.Session,
		limit int) (ended []string, err error)
	Sessions(ctx context.Context, userID string, now time.Time) ([]store.Session, error)
	SessionUser(ctx context.Context, id string) (store.Session, store.User, error)
	RotateSession(ctx context.Context, id string, presented []byte, next store.Rotation,
		now time.Time) (store.Session, store.User, error)
	EndSession(ctx context.Context, id string, reason store.EndReason, now time.Time) error
	// EndSessions ends a user's sessions but for one.
	EndSessions(ctx context.Context, userID, except string, reason store.EndReason,
		now time.Time) (ended []string, err error)
}

// Sessions signs devices in and out, and finds the user of a token. It is safe for concurrent use.
type Sessions struct {
	tokens  *tokens
	store   Store
	tickets Tickets
	cache   *sessionCache
}

// NewSessions returns an error when the configured keys cannot be used.
func NewSessions(cfg Config, s Store, tickets Tickets) (*Sessions, error) {
	t, err := newTokens(cfg)
	if err != nil {
		return nil, err
	}
	return &Sessions{tokens: t, store: s, tickets: tickets, cache: newCache(t.cfg.Clock)}, nil
}

// Device describes the device that signs in.
type Device struct {
	UserAgent   string
	IP          string
	Fingerprint string
}

// Grant is the result of signing in and of refreshing.
type Grant struct {
	User             store.User
	SessionID        string
	Access           string
	AccessTTL        time.Duration
	Refresh          string
	RefreshExpiresAt time.Time
	Ended            store.EndReason // with an error: why the session has ended
	SignedOut        int             // other devices that were signed out because of the limit
}

// Start signs a device in. u is the user as it was read when they proved their identity. If the
// user has too many devices then, the least recently used ones are signed out. Start returns
// store.ErrUnauthenticated when the password was changed since u was read, and store.ErrForbidden
// when the account was disabled since.
func (s *Sessions) Start(ctx context.Context, u store.User, d Device) (Grant, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Grant{}, fmt.Errorf("session id: %w", err)
	}
	cfg := s.tokens.cfg
	now := cfg.Clock()
	token := newRefreshToken(id)
	session := store.Session{
		ID: id.String(), UserID: u.ID, RefreshHash: token.hash(),
		UserAgent: d.UserAgent, IP: d.IP, Fingerprint: d.Fingerprint,
		CreatedAt: now, LastSeenAt: now,
		ExpiresAt:    now.Add(min(cfg.SessionTTL, cfg.SessionMax)),
		MaxExpiresAt: now.Add(cfg.SessionMax),
	}
	ended, err := s.store.CreateSession(ctx, u, session, cfg.SessionLimit)
	if err != nil {
		return Grant{}, err
	}
	s.publishEnd(ended,
		"You signed in on another device, and there is a limit to how many may be signed in.")
	g, err := s.grant(u, session, token)
	g.SignedOut = len(ended)
	return g, err
}

// Refresh returns a new access token, and the next refresh token. The previous refresh token is
// accepted as well, and answered with the current one: the client may have lost the answer that
// brought it. Refresh returns ErrRefreshReused when the token is older; it has then ended the
// session that the Grant names. It returns store.ErrUnauthenticated when the token was not issued
// here or the session has ended, and store.ErrForbidden when the account is disabled.
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
		return Grant{SessionID: session.ID, User: u, Ended: session.EndReason}, ErrRefreshReused
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

// SessionOf returns the id of the session that a refresh token was issued for. The token need not
// be current. It returns store.ErrUnauthenticated when the token was not issued here.
func (s *Sessions) SessionOf(refresh string) (id string, err error) {
	token, err := s.tokens.ring.parseRefresh(refresh)
	return token.session.String(), err
}

// Owner returns the user of a session, which may have ended. It returns store.ErrNotFound when
// there is no such session.
func (s *Sessions) Owner(ctx context.Context, sessionID string) (userID string, err error) {
	_, u, err := s.store.SessionUser(ctx, sessionID)
	return u.ID, err
}

// Devices lists a user's signed-in devices, the most recently used first.
func (s *Sessions) Devices(ctx context.Context, userID string) ([]store.Session, error) {
	return s.store.Sessions(ctx, userID, s.tokens.cfg.Clock())
}

// End signs a device out at its user's request. Its access tokens stop working at once.
func (s *Sessions) End(ctx context.Context, sessionID string) error {
	if err := s.store.EndSession(ctx, sessionID, store.EndSignedOut,
		s.tokens.cfg.Clock()); err != nil {
		return err
	}
	s.publishEnd([]string{sessionID}, "You signed out.")
	return nil
}

// Revoke signs a user's device out from another device. The reason is shown on it. It returns
// store.ErrNotFound when the session has ended or is not the user's.
func (s *Sessions) Revoke(ctx context.Context, userID, sessionID, reason string) error {
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
	s.publishEnd([]string{session.ID}, reason) // the stored id: the caller's may be upper case
	return nil
}

// RevokeOthers signs a user's devices out except for one, and returns their number. If except is
// empty it signs all of them out.
func (s *Sessions) RevokeOthers(ctx context.Context, userID, except, reason string) (int, error) {
	ended, err := s.store.EndSessions(ctx, userID, except, store.EndRevoked, s.tokens.cfg.Clock())
	s.publishEnd(ended, reason)
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

// AfterChange makes known, in this process and to others, that an account has changed, and that
// the change ended some of its sessions. The reason is for the people who used those.
func (s *Sessions) AfterChange(userID string, endedSessions []string, reason string) {
	s.cache.forgetUser(userID)
	s.tokens.cfg.OnUserChanged(userID)
	s.publishEnd(endedSessions, reason)
}

// HandleEvent drops what the cache holds of a session that another process has ended or, when the
// event names no session, of a user that another process has changed.
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
