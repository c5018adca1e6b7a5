package signin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// Credentials are an address and a password.
type Credentials struct {
	Email     string `json:"email" maxLength:"254" example:"candidate@demo.bedside"`
	Password  string `json:"password" maxLength:"1000" example:"bedside-demo"`
	RefreshIn string `json:"refresh_in,omitempty" enum:"body,cookie" default:"body" doc:"where the refresh token is returned: browsers use the cookie, which no script can read"`
}

type loginInput struct{ Body Credentials }

func (s *Service) login(ctx context.Context, in *loginInput) (*signInOutput, error) {
	return s.checkPassword(ctx, in.Body, http.StatusOK)
}

func (s *Service) createSession(ctx context.Context, in *loginInput) (*signInOutput, error) {
	return s.checkPassword(ctx, in.Body, http.StatusCreated)
}

// checkPassword signs somebody in, or asks for a code. granted is the status when they are signed
// in.
func (s *Service) checkPassword(ctx context.Context, c Credentials,
	granted int) (*signInOutput, error) {
	typed := strings.ToLower(strings.TrimSpace(c.Email))
	email, err := httpx.CleanEmail(c.Email)
	if err != nil {
		email = typed
	}
	if err := s.countSignIn(ctx); err != nil {
		return nil, err
	}
	u, err := s.Store.UserByEmail(ctx, email)
	if errors.Is(err, store.ErrNotFound) && typed != email {
		// Accounts of before addresses had one form keep theirs.
		u, err = s.Store.UserByEmail(ctx, typed)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	guess, err := s.tryGuess(ctx, "login", auth.HashEmail(email), u, email)
	if err != nil {
		return nil, err
	}
	ok, err := s.Passwords.Compare(ctx, u.PasswordHash, c.Password)
	if err != nil || ok {
		guess.Withdraw(ctx)
	}
	switch {
	case err != nil:
		return nil, err
	case !ok:
		if err := s.recordRefusal(ctx, u.ID, "wrong address or password"); err != nil {
			return nil, err
		}
		return nil, &httpx.Fault{
			Err: store.ErrUnauthenticated, Code: "wrong-credentials",
			Detail: "The address or the password is wrong.",
		}
	case u.Disabled:
		if err := s.recordRefusal(ctx, u.ID, "the account is disabled"); err != nil {
			return nil, err
		}
		return nil, errDisabled
	}
	return s.afterPassword(ctx, u, c.RefreshIn, granted)
}

// countSignIn counts a try to sign in from the client's address.
func (s *Service) countSignIn(ctx context.Context) error {
	return s.Tries.Spend(ctx,
		auth.PerMinute("login:"+httpx.Network(ctx), s.Tries.Limits.LoginPerIP))
}

// recordRefusal adds to the audit trail that somebody could not sign in to an account. userID is
// empty when there is no account.
func (s *Service) recordRefusal(ctx context.Context, userID, why string) error {
	act := httpx.Act(ctx, store.ActSignIn)
	act.UserID, act.Outcome, act.Detail = userID, store.OutcomeRefused, why
	return s.Store.Record(ctx, act)
}

// passwordChanged returns a Fault when the password was changed while somebody signed in with it,
// and other errors as they are.
func passwordChanged(err error) error {
	if errors.Is(err, store.ErrUnauthenticated) {
		return &httpx.Fault{
			Err: err, Code: "wrong-credentials",
			Detail: "The password was changed a moment ago. Sign in with the new one.",
		}
	}
	return err
}
