package signin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// RefreshRequest has a refresh token that is not in the cookie.
type RefreshRequest struct {
	RefreshToken string `json:"refresh_token,omitempty" maxLength:"200"`
}

type refreshInput struct {
	httpx.RefreshCookies
	Body *RefreshRequest
}

// tokenInBody returns the refresh token of a body that may be missing.
func tokenInBody(body *RefreshRequest) string {
	if body == nil {
		return ""
	}
	return body.RefreshToken
}

// refreshOutput is a grant, or nothing when nobody is signed in.
type refreshOutput struct {
	Status       int
	SetCookie    []string `header:"Set-Cookie"`
	CacheControl string   `header:"Cache-Control"`
	Body         *Grant
}

func (s *Service) refresh(ctx context.Context, in *refreshInput) (*refreshOutput, error) {
	inBody := tokenInBody(in.Body)
	token := cmp.Or(inBody, in.RefreshCookies.Token())
	if token == "" {
		// Not an error: every page asks this first, also for somebody who only looks.
		return &refreshOutput{Status: http.StatusNoContent, CacheControl: "no-store"}, nil
	}
	if err := s.Tries.Spend(ctx, auth.PerMinute("refresh:"+httpx.Network(ctx),
		s.Tries.Limits.RefreshPerIP)); err != nil {
		return nil, err
	}
	g, err := s.Sessions.Refresh(ctx, token)
	switch {
	case errors.Is(err, auth.ErrRefreshReused):
		act := httpx.Act(ctx, store.ActReuse)
		act.UserID, act.SessionID, act.Outcome = g.User.ID, g.SessionID, store.OutcomeRefused
		if err := s.Store.Record(ctx, act); err != nil {
			return nil, err
		}
		return nil, err
	case errors.Is(err, store.ErrUnauthenticated):
		return nil, &httpx.Fault{Err: err, Code: "session-ended", Detail: endDetail(g.Ended)}
	case err != nil:
		return nil, err
	}
	out := s.newGrant(ctx, g, inBody == "")
	return &refreshOutput{
		Status: http.StatusOK, SetCookie: out.SetCookie, CacheControl: out.CacheControl,
		Body: &out.Body,
	}, nil
}

// endDetail tells the user why a session has ended.
func endDetail(r store.EndReason) string {
	switch r {
	case store.EndSignedOut:
		return "You signed out: sign in again."
	case store.EndLimit:
		return "This device was signed out because you signed in on too many others: sign in " +
			"again."
	case store.EndReused:
		return "A refresh token was used twice, so this device was signed out for safety: sign " +
			"in again."
	case store.EndRevoked:
		return "This device was signed out from elsewhere: sign in again."
	}
	return "The session has ended: sign in again."
}

type logoutInput struct {
	httpx.RefreshCookies
	Authorization string `header:"Authorization" hidden:"true"`
	Body          *RefreshRequest
}

type logoutOutput struct {
	SetCookie []string `header:"Set-Cookie"`
}

func (s *Service) logout(ctx context.Context, in *logoutInput) (*logoutOutput, error) {
	p, err := s.sessionToEnd(ctx, in)
	if err != nil {
		return nil, err
	}
	err = s.Sessions.End(ctx, p.SessionID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err == nil {
		act := httpx.Act(ctx, store.ActSignOut)
		act.ActorID, act.UserID, act.SessionID = p.User.ID, p.User.ID, p.SessionID
		if err := s.Store.Record(ctx, act); err != nil {
			return nil, err
		}
	}
	return &logoutOutput{SetCookie: httpx.SetRefreshCookie(ctx, "", time.Time{})}, nil
}

// sessionToEnd finds the session to sign out: the refresh token's, or else the access token's.
func (s *Service) sessionToEnd(ctx context.Context, in *logoutInput) (auth.Principal, error) {
	if token := cmp.Or(tokenInBody(in.Body), in.RefreshCookies.Token()); token != "" {
		if id, err := s.Sessions.SessionOf(token); err == nil {
			u, err := s.Sessions.Owner(ctx, id)
			if errors.Is(err, store.ErrNotFound) {
				err = nil // it is gone already
			}
			return auth.Principal{User: store.User{ID: u}, SessionID: id}, err
		}
	}
	scheme, access, _ := strings.Cut(in.Authorization, " ")
	if !strings.EqualFold(scheme, "bearer") || access == "" {
		return auth.Principal{}, &httpx.Fault{
			Err: store.ErrUnauthenticated, Detail: "Nobody is signed in here.",
		}
	}
	return s.Sessions.Authenticate(ctx, access)
}
