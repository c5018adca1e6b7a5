package signin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"
)

// SecondStep is the answer to a right password when a code is needed as well.
type SecondStep struct {
	Ticket    string   `json:"ticket" doc:"to be sent with the code, once"`
	Methods   []string `json:"methods" enum:"totp,recovery_code" doc:"the kinds of codes that are accepted"`
	ExpiresIn int      `json:"expires_in" doc:"seconds until the ticket expires" example:"300"`
}

// signInOutput has a Grant or a SecondStep.
type signInOutput struct {
	Status       int
	SetCookie    []string `header:"Set-Cookie"`
	CacheControl string   `header:"Cache-Control"`
	Body         any
}

// afterPassword signs in a user whose password was right, or asks for a code if their account has
// an authenticator app.
func (s *Service) afterPassword(ctx context.Context, u store.User, refreshIn string,
	granted int) (*signInOutput, error) {
	f, err := s.Store.Factor(ctx, u.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if !f.On() {
		g, err := s.startSession(ctx, u, refreshIn)
		if err != nil {
			return nil, err
		}
		return &signInOutput{
			Status: granted, SetCookie: g.SetCookie, CacheControl: g.CacheControl, Body: g.Body,
		}, nil
	}
	ticket, hash := auth.NewOneTimeToken()
	if err := s.Store.BeginSignIn(ctx, u, store.SignIn{
		Hash: hash, UserID: u.ID, ExpiresAt: s.Clock().Add(store.SignInLifetime),
	}); err != nil {
		return nil, passwordChanged(err)
	}
	return &signInOutput{
		Status: http.StatusAccepted, CacheControl: "no-store", Body: SecondStep{
			Ticket: ticket, Methods: []string{"totp", "recovery_code"},
			ExpiresIn: int(store.SignInLifetime / time.Second),
		},
	}, nil
}

// SecondFactor finishes a sign-in.
type SecondFactor struct {
	Ticket    string `json:"ticket" minLength:"1" maxLength:"200"`
	Code      string `json:"code" minLength:"6" maxLength:"40" doc:"the six digits that the app shows, or a recovery code" example:"123456"`
	RefreshIn string `json:"refresh_in,omitempty" enum:"body,cookie" default:"body" doc:"where the refresh token is returned: browsers use the cookie, which no script can read"`
}

type secondInput struct{ Body SecondFactor }

// errTicketExpired is returned for a ticket that is unknown, expired or out of tries.
var errTicketExpired = &httpx.Fault{
	Err: store.ErrUnauthenticated, Code: "sign-in-expired",
	Detail: "This took too long, or there were too many wrong codes: sign in again.",
}

func (s *Service) secondFactor(ctx context.Context, in *secondInput) (*grantOutput, error) {
	if err := s.countSignIn(ctx); err != nil {
		return nil, err
	}
	hash, err := auth.HashOneTimeToken(in.Body.Ticket)
	if err != nil {
		return nil, errTicketExpired
	}
	userID, err := s.Store.SignInOwner(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errTicketExpired
	}
	if err != nil {
		return nil, err
	}
	guess, err := s.tryCode(ctx, userID)
	if err != nil {
		return nil, err
	}
	now := s.Clock().UTC()
	var method string
	u, err := s.Store.FinishSignIn(ctx, hash, func(step *store.SignIn, u store.User,
		f *store.Factor) error {
		if err := step.Try(now); err != nil || !f.On() {
			return errTicketExpired
		}
		var err error
		method, err = s.Sessions.UseCode(f, in.Body.Code, now)
		return err
	})
	if !errors.Is(err, store.ErrInvalid) {
		guess.Withdraw(ctx)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errTicketExpired
	case errors.Is(err, store.ErrInvalid):
		if err := s.recordRefusal(ctx, u.ID, "wrong code of the second factor"); err != nil {
			return nil, err
		}
		return nil, &httpx.Fault{
			Err: store.ErrUnauthenticated, Code: "wrong-code", Detail: httpx.Detail(err),
		}
	case err != nil:
		return nil, err
	case u.Disabled:
		return nil, errDisabled
	}
	act := httpx.Act(ctx, store.ActUseFactor)
	act.ActorID, act.UserID, act.Object = u.ID, u.ID, method
	if err := s.Store.Record(ctx, act); err != nil {
		return nil, err
	}
	return s.startSession(ctx, u, in.Body.RefreshIn)
}

// tryCode counts a try of a code, before it is compared.
func (s *Service) tryCode(ctx context.Context, userID string) (auth.Guess, error) {
	u, err := s.Store.User(ctx, userID)
	if err != nil {
		return auth.Guess{}, err
	}
	return s.tryGuess(ctx, "code", userID, u, u.Email)
}
