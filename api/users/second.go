package users

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// SecondStep says that the password was right, and that a code is needed as well.
type SecondStep struct {
	Ticket    string   `json:"ticket" doc:"to be sent with the code, once"`
	Methods   []string `json:"methods" enum:"totp,recovery_code" doc:"what codes are taken"`
	ExpiresIn int      `json:"expires_in" doc:"seconds until the ticket expires" example:"300"`
}

// signInOutput is a Grant or a SecondStep.
type signInOutput struct {
	Status       int
	SetCookie    string `header:"Set-Cookie"`
	CacheControl string `header:"Cache-Control"`
	Body         any
}

// twoAnswers describes the answers of an operation that signs in.
func twoAnswers(api huma.API, op huma.Operation, granted int) huma.Operation {
	content := func(v any, name string) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, name)}}
	}
	op.DefaultStatus = granted
	op.Responses = map[string]*huma.Response{
		strconv.Itoa(granted):             {Description: "Signed in", Content: content(Grant{}, "Grant")},
		strconv.Itoa(http.StatusAccepted): {Description: "The password is right; a second factor is needed", Content: content(SecondStep{}, "SecondStep")},
	}
	return op
}

// enter signs somebody in whose password was right, or asks for their second factor.
func (s *Service) enter(ctx context.Context, u store.User, refreshIn string, granted int) (*signInOutput, error) {
	f, err := s.Store.Factor(ctx, u.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if !f.On() {
		g, err := s.signIn(ctx, u, refreshIn)
		if err != nil {
			return nil, err
		}
		return &signInOutput{Status: granted, SetCookie: g.SetCookie, CacheControl: g.CacheControl, Body: g.Body}, nil
	}
	ticket, hash := auth.NewMailToken()
	if err := s.Store.BeginSignIn(ctx, u, store.SignIn{Hash: hash, UserID: u.ID, ExpiresAt: s.Clock().Add(store.SignInLifetime)}); err != nil {
		return nil, stale(err)
	}
	return &signInOutput{Status: http.StatusAccepted, CacheControl: "no-store", Body: SecondStep{
		Ticket: ticket, Methods: []string{"totp", "recovery_code"}, ExpiresIn: int(store.SignInLifetime / time.Second),
	}}, nil
}

// SecondFactor finishes a sign-in.
type SecondFactor struct {
	Ticket    string `json:"ticket" minLength:"1" maxLength:"200"`
	Code      string `json:"code" minLength:"6" maxLength:"40" doc:"the six digits that the app shows, or a recovery code" example:"123456"`
	RefreshIn string `json:"refresh_in,omitempty" enum:"body,cookie" default:"body" doc:"where the refresh token goes: browsers take the cookie, which no script can read"`
}

type secondInput struct{ Body SecondFactor }

func (s *Service) secondFactor(ctx context.Context, in *secondInput) (*grantOutput, error) {
	if err := s.allow(ctx, "login:"+network(ctx), s.Limits.LoginPerIP); err != nil {
		return nil, err
	}
	gone := &httpx.Fault{Err: store.ErrUnauthenticated, Code: "sign-in-expired", Detail: "This took too long, or there were too many wrong codes: sign in again."}
	hash, err := auth.MailTokenHash(in.Body.Ticket)
	if err != nil {
		return nil, gone
	}
	now := s.Clock().UTC()
	method := "an authenticator app"
	u, err := s.Store.FinishSignIn(ctx, hash, func(step *store.SignIn, u store.User, f *store.Factor) error {
		if err := step.Try(now); err != nil || !f.On() {
			return gone
		}
		if err := verdict(s.Limiter.Check(ctx, s.wrongCodes(u.ID)...)); err != nil {
			return err
		}
		code := strings.Join(strings.Fields(in.Body.Code), "") // apps show digits in groups
		if len(code) > 6 {
			method = "a recovery code"
			if !f.UseRecovery(auth.RecoveryHash(u.ID, code)) {
				return errWrongCode
			}
			return nil
		}
		return s.takeTOTP(f, code, now)
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, gone
	case errors.Is(err, store.ErrInvalid):
		if err := s.refused(ctx, u.ID, "wrong code of the second factor"); err != nil {
			return nil, err
		}
		if err := verdict(s.Limiter.Spend(ctx, s.wrongCodes(u.ID)...)); err != nil {
			return nil, err
		}
		return nil, wrongCode(err)
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
	return s.signIn(ctx, u, in.Body.RefreshIn)
}

// codesADay bounds how often the codes of an account may be guessed by somebody who knows its
// password, however patient.
const codesADay = 50

func (s *Service) wrongCodes(userID string) []store.Quota {
	return []store.Quota{
		{Key: "code:" + userID, Units: s.Limits.LoginPerAccount, Window: time.Minute}, {Key: "codes:" + userID, Units: codesADay, Window: 24 * time.Hour},
	}
}

// wrongCode makes a refused code a refused sign-in.
func wrongCode(err error) error {
	detail := "The code is wrong."
	var f *httpx.Fault
	if errors.As(err, &f) {
		detail = f.Detail
	}
	return &httpx.Fault{Err: store.ErrUnauthenticated, Code: "wrong-code", Detail: detail}
}
