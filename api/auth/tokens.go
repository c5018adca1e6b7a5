package auth

import (
	"errors"
	"fmt"
	"time"

	"bedside/store"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

const (
	audienceAPI  = "api"
	audienceJoin = "join"
	leeway       = 5 * time.Second // by which clocks of processes may differ
	maxToken     = 4096            // bytes
)

// tokens signs and verifies JSON Web Tokens.
type tokens struct {
	cfg      Config
	ring     *keyring
	verified *claimsCache
}

func newTokens(cfg Config) (*tokens, error) {
	cfg = cfg.withDefaults()
	keys, err := cfg.keys()
	if err != nil {
		return nil, err
	}
	ring, err := newKeyring(keys)
	if err != nil {
		return nil, err
	}
	return &tokens{cfg: cfg, ring: ring, verified: newClaimsCache()}, nil
}

type accessClaims struct {
	jwt.RegisteredClaims
	Session string     `json:"sid"`
	Role    store.Role `json:"role"`
}

type joinClaims struct {
	jwt.RegisteredClaims
	Session string                `json:"sid"`
	Attempt string                `json:"attempt"`
	Node    string                `json:"node"`
	Name    string                `json:"name"`
	Avatar  string                `json:"avatar,omitempty"`
	Role    store.ParticipantRole `json:"part"`
}

func (t *tokens) registered(subject, audience string, ttl time.Duration) jwt.RegisteredClaims {
	now := t.cfg.Clock()
	return jwt.RegisteredClaims{
		Issuer: t.cfg.Issuer, Subject: subject, Audience: jwt.ClaimStrings{audience},
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
	}
}

func sign(claims jwt.Claims, keyID string, key []byte) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	token.Header["kid"] = keyID
	s, err := token.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("auth: token: %w", err)
	}
	return s, nil
}

// access returns an access token of a session.
func (t *tokens) access(u store.User, sessionID string) (string, error) {
	claims := accessClaims{
		RegisteredClaims: t.registered(u.ID, audienceAPI, t.cfg.AccessTTL), Session: sessionID,
		Role: u.Role,
	}
	return sign(claims, t.ring.current.id, t.ring.current.access)
}

// parseAccess returns the claims of an access token. It returns store.ErrExpired or
// store.ErrUnauthenticated when the token is not valid.
func (t *tokens) parseAccess(s string) (c accessClaims, err error) {
	if c, ok := t.verified.find(s); ok {
		if now := t.cfg.Clock(); now.Before(c.ExpiresAt.Time) && !now.Before(c.IssuedAt.Time) {
			return c, nil
		}
	}
	err = t.parse(s, &c, audienceAPI, func(d derived) []byte { return d.access })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return c, fmt.Errorf("the access token has %w", store.ErrExpired)
	case err != nil:
		return c, fmt.Errorf("the access token is not valid: %w", store.ErrUnauthenticated)
	}
	t.verified.keep(s, c)
	return c, nil
}

// ticket returns a join ticket.
func (t *tokens) ticket(j store.Join) (ticket string, expires time.Time, err error) {
	claims := joinClaims{
		RegisteredClaims: t.registered(j.UserID, audienceJoin, t.cfg.TicketTTL),
		Session:          j.SessionID, Attempt: j.AttemptID, Node: j.NodeID, Name: j.Name,
		Avatar: j.AvatarID, Role: j.Role,
	}
	claims.ID = uuid.NewString()
	ticket, err = sign(claims, t.ring.current.id, t.ring.current.ticket)
	return ticket, claims.ExpiresAt.Time, err
}

// parseTicket returns the claims of a join ticket, or ErrTicketExpired or ErrTicketForged.
func (t *tokens) parseTicket(s string) (c joinClaims, err error) {
	err = t.parse(s, &c, audienceJoin, func(d derived) []byte { return d.ticket })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return c, ErrTicketExpired
	case err != nil || c.ID == "":
		return c, ErrTicketForged
	}
	return c, nil
}

func (t *tokens) parse(s string, claims jwt.Claims, audience string,
	key func(derived) []byte) error {
	if len(s) > maxToken {
		return jwt.ErrTokenMalformed
	}
	_, err := jwt.ParseWithClaims(s, claims, func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		d, ok := t.ring.byID[id]
		if !ok {
			return nil, jwt.ErrTokenUnverifiable
		}
		return key(d), nil
	},
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(t.cfg.Issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(t.cfg.Clock), jwt.WithStrictDecoding())
	return err
}
