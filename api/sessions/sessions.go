// Package sessions is the slice of sessions: listing a user's signed-in devices, signing them out,
// and checking and refreshing their tokens for programs that keep tokens themselves. Signing in
// and the refresh cookie are in package signin.
package sessions

import (
	"context"
	"errors"
	"net/http"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Recorder adds entries to the audit trail; store/postgres implements it.
type Recorder interface {
	Record(ctx context.Context, act store.Act) error
}

// Service handles the slice's operations.
type Service struct {
	Sessions *auth.Sessions
	Audit    Recorder
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "sessions", Description: "Signed-in devices", Routes: s.routes,
		Tables: []store.TableRule{{
			Table: "sessions", OnDelete: store.Deleted,
			Why: "signed-in devices; they are signed out at once",
		}},
	}
}

func (s *Service) routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "list-sessions", Method: http.MethodGet, Path: "/api/sessions",
		Summary:     "List the devices on which you are signed in",
		Description: "The most recently used first.",
	}, s.listOwn)
	httpx.Register(api, huma.Operation{
		OperationID: "list-user-sessions", Method: http.MethodGet,
		Path:        "/api/sessions/user/{user}",
		Summary:     "List the devices on which a user is signed in",
		Description: "Your own, or any user's for administrators.",
		Errors:      []int{http.StatusNotFound},
	}, s.listOfUser)
	httpx.Register(api, huma.Operation{
		OperationID: "end-user-sessions", Method: http.MethodDelete,
		Path:        "/api/sessions/user/{user}",
		Summary:     "Sign all devices of a user out",
		Description: "Of yourself, with this device, or of any user for administrators.",
		Errors:      []int{http.StatusNotFound},
	}, s.endAll)
	httpx.Register(api, huma.Operation{
		OperationID: "validate-session", Method: http.MethodPost, Path: "/api/sessions/validate",
		Metadata: httpx.Public(), Summary: "Check whether an access token is valid",
		Description: "The token comes in the body. The answer for a token that is not valid has " +
			"active false and nothing else; it is not an error.",
	}, s.validate)
	httpx.Register(api, huma.Operation{
		OperationID: "refresh-session", Method: http.MethodPost,
		Path: "/api/sessions/{id}/refresh", Metadata: httpx.Public(),
		Summary:     "Get a new access token for a session's refresh token",
		Description: "The same as /auth/refresh, for clients that keep the token themselves.",
		Errors:      []int{http.StatusUnauthorized, http.StatusForbidden},
	}, s.refresh)
	httpx.Register(api, huma.Operation{
		OperationID: "end-session", Method: http.MethodDelete, Path: "/api/sessions/{id}",
		Summary: "Sign a device out",
		Description: "Its tokens stop working at once, and it is removed from the rooms that " +
			"it is in. Your own devices, or any user's for administrators.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
	}, s.end)
	httpx.Register(api, huma.Operation{
		OperationID: "end-other-sessions", Method: http.MethodDelete, Path: "/api/sessions",
		Summary:     "Sign all your other devices out",
		Description: "As end-session does. The device that makes the request stays signed in.",
	}, s.endOthers)
}

// Session is a signed-in device as its user sees it.
type Session struct {
	ID          string    `json:"id" format:"uuid"`
	Current     bool      `json:"current" doc:"whether it is the device that makes the request"`
	Browser     string    `json:"browser" doc:"empty when unknown" example:"Firefox 143"`
	System      string    `json:"system" doc:"empty when unknown" example:"Linux"`
	Kind        string    `json:"kind" enum:"desktop,mobile,tablet,program,unknown"`
	IP          string    `json:"ip" doc:"the address from which it signed in"`
	Fingerprint string    `json:"fingerprint" doc:"usually the same for the same device; for recognising it, nothing more"`
	CreatedAt   time.Time `json:"created_at"`
	LastSeenAt  time.Time `json:"last_seen_at" doc:"accurate to about ten minutes"`
	ExpiresAt   time.Time `json:"expires_at" doc:"when it ends unless it is used"`
	EndsAt      time.Time `json:"ends_at" doc:"when it ends in any case"`
}

func newSession(v store.Session, current string) Session {
	d := httpx.DeviceOf(v.UserAgent)
	return Session{
		ID: v.ID, Current: v.ID == current, Browser: d.Browser, System: d.System, Kind: d.Kind,
		IP: v.IP, Fingerprint: v.Fingerprint, CreatedAt: v.CreatedAt, LastSeenAt: v.LastSeenAt,
		ExpiresAt: v.ExpiresAt, EndsAt: v.MaxExpiresAt,
	}
}

// List lists the devices of a user.
type List struct {
	Items []Session `json:"items"`
}

type listOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         List
}

func (s *Service) listOwn(ctx context.Context, _ *struct{}) (*listOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	return s.list(ctx, p, p.User.ID)
}

type userInput struct {
	User string `path:"user" format:"uuid" doc:"the user's id"`
}

func (s *Service) listOfUser(ctx context.Context, in *userInput) (*listOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	if in.User != p.User.ID && p.User.Role != store.RoleAdmin {
		return nil, store.ErrNotFound
	}
	return s.list(ctx, p, in.User)
}

func (s *Service) list(ctx context.Context, p auth.Principal, userID string) (*listOutput, error) {
	devices, err := s.Sessions.Devices(ctx, userID)
	if err != nil {
		return nil, err
	}
	out := &listOutput{CacheControl: "no-store", Body: List{Items: []Session{}}}
	for _, d := range devices {
		out.Body.Items = append(out.Body.Items, newSession(d, p.SessionID))
	}
	return out, nil
}

type endInput struct {
	ID string `path:"id" format:"uuid" doc:"the session's id"`
}

func (s *Service) end(ctx context.Context, in *endInput) (*struct{}, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	owner, reason := p.User.ID, "This device was signed out from another one."
	if p.User.Role == store.RoleAdmin {
		if owner, err = s.Sessions.Owner(ctx, in.ID); err != nil {
			return nil, err
		}
		if owner != p.User.ID {
			reason = "An administrator signed this device out."
		}
	}
	if err := s.Sessions.Revoke(ctx, owner, in.ID, reason); err != nil {
		return nil, err
	}
	act := httpx.Act(ctx, store.ActEndSession)
	act.UserID, act.Object = owner, "session "+in.ID
	return nil, s.Audit.Record(ctx, act)
}

// Ended has the number of devices that were signed out.
type Ended struct {
	Ended int `json:"ended" example:"2"`
}

type endedOutput struct{ Body Ended }

func (s *Service) endOthers(ctx context.Context, _ *struct{}) (*endedOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	n, err := s.Sessions.RevokeOthers(ctx, p.User.ID, p.SessionID,
		"This device was signed out from another one.")
	if err != nil {
		return nil, err
	}
	act := httpx.Act(ctx, store.ActEndSession)
	act.Object = "all other sessions"
	return &endedOutput{Ended{n}}, s.Audit.Record(ctx, act)
}

func (s *Service) endAll(ctx context.Context, in *userInput) (*endedOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	reason := "This device was signed out from another one."
	if in.User != p.User.ID {
		if p.User.Role != store.RoleAdmin {
			return nil, store.ErrNotFound
		}
		reason = "An administrator signed this device out."
	}
	n, err := s.Sessions.RevokeOthers(ctx, in.User, "", reason)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return &endedOutput{}, nil // there is no such user, or nothing to end
	}
	act := httpx.Act(ctx, store.ActEndSession)
	act.UserID, act.Object = in.User, "all sessions"
	return &endedOutput{Ended{n}}, s.Audit.Record(ctx, act)
}

// Token is an access token to check.
type Token struct {
	AccessToken string `json:"access_token" maxLength:"4096"`
}

type validateInput struct{ Body Token }

// Validity says whether an access token is valid now, and whose it is.
type Validity struct {
	Active    bool       `json:"active"`
	SessionID string     `json:"session_id,omitempty" format:"uuid"`
	UserID    string     `json:"user_id,omitempty" format:"uuid"`
	Role      store.Role `json:"role,omitempty" enum:"candidate,tutor,admin"`
}

type validateOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Validity
}

func (s *Service) validate(ctx context.Context, in *validateInput) (*validateOutput, error) {
	out := &validateOutput{CacheControl: "no-store"}
	p, err := s.Sessions.Authenticate(ctx, in.Body.AccessToken)
	switch {
	case errors.Is(err, store.ErrUnauthenticated) || errors.Is(err, store.ErrExpired) ||
		errors.Is(err, store.ErrForbidden):
		return out, nil
	case err != nil:
		return nil, err
	}
	out.Body = Validity{Active: true, SessionID: p.SessionID, UserID: p.User.ID, Role: p.User.Role}
	return out, nil
}

type refreshInput struct {
	ID   string `path:"id" format:"uuid" doc:"the session's id"`
	Body struct {
		RefreshToken string `json:"refresh_token" maxLength:"200"`
	}
}

// Tokens are a session's new tokens.
type Tokens struct {
	AccessToken  string `json:"access_token" doc:"send it as Authorization: Bearer"`
	TokenType    string `json:"token_type" enum:"Bearer"`
	ExpiresIn    int    `json:"expires_in" doc:"seconds until the access token expires" example:"600"`
	RefreshToken string `json:"refresh_token"`
}

type refreshOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Tokens
}

func (s *Service) refresh(ctx context.Context, in *refreshInput) (*refreshOutput, error) {
	if id, err := s.Sessions.SessionOf(in.Body.RefreshToken); err != nil || id != in.ID {
		return nil, &httpx.Fault{
			Err: store.ErrUnauthenticated, Detail: "This is not a refresh token of this session.",
		}
	}
	g, err := s.Sessions.Refresh(ctx, in.Body.RefreshToken)
	if errors.Is(err, auth.ErrRefreshReused) {
		act := httpx.Act(ctx, store.ActReuse)
		act.UserID, act.SessionID, act.Outcome = g.User.ID, g.SessionID, store.OutcomeRefused
		return nil, errors.Join(err, s.Audit.Record(ctx, act))
	}
	if err != nil {
		return nil, err
	}
	return &refreshOutput{CacheControl: "no-store", Body: Tokens{
		AccessToken: g.Access, TokenType: "Bearer", ExpiresIn: int(g.AccessTTL / time.Second),
		RefreshToken: g.Refresh,
	}}, nil
}
