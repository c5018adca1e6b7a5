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
	u, err := s.addressOwner(ctx, email, typed)
	if err != nil {
		return nil, err
	}
	pending, err := s.pendingHere(ctx, email)
	if err != nil {
		return nil, err
	}
	guess, err := s.tryGuess(ctx, "login", auth.HashEmail(email), u, email)
	if err != nil {
		return nil, err
	}
	ok, err := s.Passwords.Compare(ctx, u.PasswordHash, c.Password)
	if err == nil && !ok && pending.ID != "" {
		if ok, err = s.Passwords.Compare(ctx, pending.PasswordHash, c.Password); ok {
			u = pending
		}
	}
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
			Detail: "The address or the password is wrong. If you have just registered, " +
				"follow the link in our mail first.",
		}
	case u.Disabled:
		if err := s.recordRefusal(ctx, u.ID, "the account is disabled"); err != nil {
			return nil, err
		}
		return nil, errDisabled
	}
	return s.afterPassword(ctx, u, c.RefreshIn, granted)
}

// addressOwner returns the user who has an address, which is empty when nobody has it. typed is
// the address as it was typed: accounts of before addresses had one form keep theirs.
func (s *Service) addressOwner(ctx context.Context, email, typed string) (store.User, error) {
	u, err := s.Store.UserByEmail(ctx, email)
	if errors.Is(err, store.ErrNotFound) && typed != email {
		u, err = s.Store.UserByEmail(ctx, typed)
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && u.PendingFrom != "" {
		return store.User{}, nil
	}
	return u, err
}

// pendingHere returns the latest account that waits to confirm an address and was registered on
// the device, or from the network, that makes the request. Elsewhere nobody can sign in to it, so
// that a sign-in with the registered password does not tell whether the address was free.
func (s *Service) pendingHere(ctx context.Context, email string) (store.User, error) {
	list, err := s.Store.PendingUsers(ctx, email)
	for _, u := range list {
		_, device := s.Sessions.FamiliarDevice(httpx.DeviceCookie(ctx), u.ID)
		if device || httpx.NetworkOf(u.PendingFrom) == httpx.Network(ctx) {
			return u, nil
		}
	}
	return store.User{}, err
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
