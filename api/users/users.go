// Package users is the slice of accounts: registering, signing in and out, and the profile.
package users

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Store keeps accounts; store/postgres does.
type Store interface {
	CreateUser(ctx context.Context, u store.User) (store.User, error)
	UserByEmail(ctx context.Context, email string) (store.User, error)
}

// Service is what the slice works with.
type Service struct {
	Store     Store
	Sessions  *auth.Sessions
	Passwords *auth.Passwords
	Limiter   Limiter
	Limits    Limits
	Ended     func(sessionID, reason string) // a session has ended: its sockets are to be closed; may be nil
	Log       *slog.Logger
}

// User is an account as its owner sees it.
type User struct {
	ID         string     `json:"id" format:"uuid"`
	Email      string     `json:"email" format:"email" example:"dana@example.org"`
	Name       string     `json:"name" example:"Dana Kovač"`
	Role       store.Role `json:"role" enum:"candidate,tutor,admin"`
	Profession string     `json:"profession" doc:"one of the twelve professions, or empty" example:"nursing"`
	CreatedAt  time.Time  `json:"created_at"`
}

func view(u store.User) User {
	return User{ID: u.ID, Email: u.Email, Name: u.Name, Role: u.Role, Profession: u.Profession, CreatedAt: u.CreatedAt}
}

// Routes adds the slice's operations.
func (s *Service) Routes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "register", Method: http.MethodPost, Path: "/auth/register", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Register as a candidate and sign in", DefaultStatus: http.StatusCreated,
		Errors: []int{http.StatusConflict, http.StatusTooManyRequests},
	}, s.register)
	httpx.Register(api, huma.Operation{
		OperationID: "login", Method: http.MethodPost, Path: "/auth/login", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Sign in", Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests},
	}, s.login)
	httpx.Register(api, huma.Operation{
		OperationID: "refresh", Method: http.MethodPost, Path: "/auth/refresh", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Get a new access token for a refresh token",
		Description: "The refresh token comes in the body, or in the cookie that signing in with refresh_in cookie has set. It is replaced each time. The token " +
			"before the current one is answered with the current one, so that a lost answer or a second tab does no harm; anything older ends the session.",
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests},
	}, s.refresh)
	httpx.Register(api, huma.Operation{
		OperationID: "logout", Method: http.MethodPost, Path: "/auth/logout", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Sign this device out", Description: "Who signs out is told by the refresh token (body or cookie) or by the access token.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusUnauthorized},
	}, s.logout)
	httpx.Register(api, huma.Operation{
		OperationID: "get-profile", Method: http.MethodGet, Path: "/api/users/profile", Tags: []string{"users"},
		Summary: "Read your own account",
	}, s.profile)
}

// Registration makes an account.
type Registration struct {
	Email      string `json:"email" minLength:"3" maxLength:"254" example:"dana@example.org"`
	Password   string `json:"password" minLength:"8" maxLength:"72" doc:"8 to 72 bytes" example:"correct horse battery"`
	Name       string `json:"name" minLength:"1" maxLength:"120" example:"Dana Kovač"`
	Profession string `json:"profession,omitempty" maxLength:"40" doc:"one of the twelve professions" example:"nursing"`
	RefreshIn  string `json:"refresh_in,omitempty" enum:"body,cookie" default:"body" doc:"where the refresh token goes"`
}

type registerInput struct{ Body Registration }

func (s *Service) register(ctx context.Context, in *registerInput) (*grantOutput, error) {
	if err := s.allow(ctx, "register:"+network(ctx), s.Limits.RegisterPerIP); err != nil {
		return nil, err
	}
	email, err := cleanEmail(in.Body.Email)
	if err != nil {
		return nil, err
	}
	name, err := cleanName(in.Body.Name)
	if err != nil {
		return nil, err
	}
	if p := in.Body.Profession; p != "" && !slices.Contains(store.Professions(), p) {
		return nil, httpx.Invalid("body.profession", "The profession is one of: "+strings.Join(store.Professions(), ", ")+".")
	}
	hash, err := s.Passwords.Hash(ctx, in.Body.Password)
	if errors.Is(err, store.ErrInvalid) {
		return nil, httpx.Invalid("body.password", fmt.Sprintf("A password has %d to %d bytes.", auth.MinPassword, auth.MaxPassword))
	}
	if err != nil {
		return nil, busy(err)
	}
	u, err := s.Store.CreateUser(ctx, store.User{Email: email, Name: name, Role: store.RoleCandidate, Profession: in.Body.Profession, PasswordHash: hash})
	if errors.Is(err, store.ErrConflict) {
		return nil, &httpx.Fault{Err: err, Code: "email-taken", Detail: "There is an account with this address. Sign in instead.",
			Fields: []*huma.ErrorDetail{{Location: "body.email", Message: "There is an account with this address."}}}
	}
	if err != nil {
		return nil, err
	}
	return s.signIn(ctx, u, in.Body.RefreshIn)
}

// cleanEmail gives an address in the form that is kept.
func cleanEmail(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	local, domain, _ := strings.Cut(s, "@")
	if err != nil || a.Address != s || a.Name != "" || local == "" || !strings.Contains(domain, ".") || len(s) > 254 {
		return "", httpx.Invalid("body.email", "This is not an e-mail address.")
	}
	return s, nil
}

// cleanName gives a name without surrounding or control characters.
func cleanName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", httpx.Invalid("body.name", "A name has at least one letter and no control characters.")
	}
	return s, nil
}

type profileOutput struct{ Body User }

func (s *Service) profile(ctx context.Context, _ *struct{}) (*profileOutput, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	return &profileOutput{Body: view(p.User)}, nil
}
