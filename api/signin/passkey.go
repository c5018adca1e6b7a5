package signin

import (
	"context"
	"errors"
	"fmt"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

type questionOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         auth.Question
}

func (s *Service) beginPasskey(ctx context.Context, _ *struct{}) (*questionOutput, error) {
	if err := s.countSignIn(ctx); err != nil {
		return nil, err
	}
	q, err := s.Passkeys.BeginSignIn(ctx, httpx.Host(ctx))
	return &questionOutput{CacheControl: "no-store", Body: q}, err
}

// PasskeyAnswer is an authenticator's answer to a sign-in.
type PasskeyAnswer struct {
	Ticket     string         `json:"ticket" minLength:"1" maxLength:"200"`
	Credential map[string]any `json:"credential" doc:"AuthenticationResponseJSON of WebAuthn"`
	RefreshIn  string         `json:"refresh_in,omitempty" enum:"body,cookie" default:"body" doc:"where the refresh token is returned: browsers use the cookie, which no script can read"`
}

type passkeyInput struct{ Body PasskeyAnswer }

func (s *Service) finishPasskey(ctx context.Context, in *passkeyInput) (*grantOutput, error) {
	if err := s.countSignIn(ctx); err != nil {
		return nil, err
	}
	u, used, err := s.Passkeys.FinishSignIn(ctx, httpx.Host(ctx), in.Body.Ticket,
		in.Body.Credential, s.Store.User)
	switch {
	case errors.Is(err, auth.ErrBadPasskey):
		if u.ID != "" {
			if err := s.recordRefusal(ctx, u.ID, "wrong or copied passkey"); err != nil {
				return nil, err
			}
		}
		return nil, &httpx.Fault{
			Err: fmt.Errorf("%w: %w", store.ErrUnauthenticated, err), Code: "wrong-passkey",
			Detail: "This passkey is not known here. Sign in with your password.",
		}
	case err != nil:
		return nil, err
	case u.Disabled:
		if err := s.recordRefusal(ctx, u.ID, "the account is disabled"); err != nil {
			return nil, err
		}
		return nil, errDisabled
	}
	if err := s.Store.UsePasskey(ctx, u.ID, used.CredentialID, used.Credential,
		s.Clock()); err != nil {
		return nil, err
	}
	act := httpx.Act(ctx, store.ActUseFactor)
	act.ActorID, act.UserID, act.Object = u.ID, u.ID, "a passkey"
	if err := s.Store.Record(ctx, act); err != nil {
		return nil, err
	}
	return s.startSession(ctx, u, in.Body.RefreshIn)
}
