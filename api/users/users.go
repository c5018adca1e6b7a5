// Package users is the slice of accounts: registering, signing in and out, mailed links, the
// profile, and what administrators do.
package users

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Accounts keeps accounts; store/postgres does. ChangeUser and Register keep what follows
// together with the change.
type Accounts interface {
	Register(ctx context.Context, u store.User,
		after func(u store.User, fresh bool) store.Effects) (store.User, error)
	User(ctx context.Context, id string) (store.User, error)
	UserByEmail(ctx context.Context, email string) (store.User, error)
	Users(ctx context.Context, f store.UserFilter) ([]store.User, error)
	ChangeUser(ctx context.Context, id string,
		rule func(*store.User) (store.Effects, error)) (u store.User, ended []string, err error)
}

// Proofs keeps what proves who somebody is, beside the password; store/postgres does.
type Proofs interface {
	UseMailToken(ctx context.Context, hash []byte, purposes []store.TokenPurpose, now time.Time,
		rule func(*store.User, store.MailToken) (store.Effects, error)) (u store.User, ended []string, err error)
	Prove(ctx context.Context, sessionID string, now time.Time) error
	ProvenAt(ctx context.Context, sessionID string) (time.Time, error)
}

// Notes keeps what follows from no change: letters and entries of the audit trail.
type Notes interface {
	ApplyEffects(ctx context.Context, after store.Effects) error
	Record(ctx context.Context, act store.Act) error
}

// Store is what the slice keeps its records in.
type Store interface {
	Accounts
	Proofs
	Factors
	Passkeys
	Exports
	Notes
}

// Service is what the slice works with.
type Service struct {
	Store     Store
	Sessions  *auth.Sessions
	Passwords *auth.Passwords
	Limiter   Limiter
	Limits    Limits
	Open      func(ctx context.Context, key string) (httpx.File, error) // an archive's file
	// empty: whatever this machine calls itself
	PublicURL string
	Clock     func() time.Time
	Log       *slog.Logger
}

// User is an account as its owner sees it.
type User struct {
	ID            string     `json:"id" format:"uuid"`
	Email         string     `json:"email" format:"email" example:"dana@example.org"`
	EmailVerified bool       `json:"email_verified" doc:"the address was found to be the owner's"`
	Name          string     `json:"name" example:"Dana Kovač"`
	Role          store.Role `json:"role" enum:"candidate,tutor,admin"`
	Profession    string     `json:"profession" doc:"one of the twelve professions, or empty" example:"nursing"`
	TargetGrade   string     `json:"target_grade" doc:"A, B, C+ or C, or empty" example:"B"`
	TestDate      string     `json:"test_date" doc:"year-month-day, or empty" example:"2026-11-14"`
	TimeZone      string     `json:"time_zone" doc:"of the IANA database, or empty" example:"Europe/Zagreb"`
	Locale        string     `json:"locale" doc:"BCP 47, or empty" example:"en-GB"`
	CreatedAt     time.Time  `json:"created_at"`
}

func view(u store.User) User {
	return User{
		ID: u.ID, Email: u.Email, EmailVerified: u.VerifiedAt != nil, Name: u.Name, Role: u.Role, Profession: u.Profession,
		TargetGrade: u.TargetGrade, TestDate: u.TestDate, TimeZone: u.TimeZone, Locale: u.Locale, CreatedAt: u.CreatedAt,
	}
}

// Slices describes sign-in, accounts and factors to package api.
func (s *Service) Slices() []httpx.Slice {
	return []httpx.Slice{
		{
			Tag: "auth", Description: "Signing in and out",
			Routes: func(api huma.API) {
				s.signingIn(api)
				s.mailedLinks(api)
			},
			Tables: []store.TableRule{
				{Table: "mail_tokens", OnDelete: store.Deleted, Why: "mailed links stop working"},
				{Table: "sign_ins", OnDelete: store.Deleted, Why: "sign-ins that wait for a code"},
			},
		},
		{
			Tag: "users", Description: "Accounts",
			Routes: func(api huma.API) {
				s.ownAccount(api)
				s.exportRoutes(api)
				s.administration(api)
			},
			Tables: []store.TableRule{
				{Table: "users", OnDelete: store.Deleted, Why: "the account itself"},
				{Table: "exports", OnDelete: store.Deleted, Why: "archives, with their files"},
			},
			Files: []store.FileRule{{
				Pattern: "exports/<user>/<export>.zip", OnDelete: store.Deleted,
				Why: "removed by the same job as recordings",
			}},
		},
		{
			Tag: "factors", Description: "Authenticator apps, recovery codes and passkeys",
			Routes: func(api huma.API) {
				s.factorRoutes(api)
				s.passkeyRoutes(api)
			},
			Tables: []store.TableRule{
				{
					Table: "factors", OnDelete: store.Deleted,
					Why: "the authenticator app and recovery codes",
				},
				{Table: "passkeys", OnDelete: store.Deleted, Why: "ways to sign in"},
				{
					Table: "ceremonies", OnDelete: store.Deleted,
					Why: "challenges that wait for a passkey's answer",
				},
				{
					Table: "session_proofs", OnDelete: store.Deleted,
					Why: "when each session last proved who uses it",
				},
			},
		},
	}
}

func (s *Service) signingIn(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "register", Method: http.MethodPost, Path: "/auth/register", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Register as a candidate", DefaultStatus: http.StatusAccepted,
		Description: "The answer is the same whether the address is new or has an account already: whoever reads its mail is told. A new account can sign " +
			"in at once, with the password given here.",
		Errors: []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}, s.register)
	httpx.Register(api, twoAnswers(api, huma.Operation{
		OperationID: "login", Method: http.MethodPost, Path: "/auth/login", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Sign in", Description: "A wrong password and an address without an account are answered alike.",
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests},
	}, http.StatusOK), s.login)
	httpx.Register(api, twoAnswers(api, huma.Operation{
		OperationID: "create-session", Method: http.MethodPost, Path: "/api/sessions", Tags: []string{"sessions"}, Metadata: httpx.Public(),
		Summary: "Sign a device in", Description: "The same as login.",
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests},
	}, http.StatusCreated), s.createSession)
	httpx.Register(api, huma.Operation{
		OperationID: "second-factor", Method: http.MethodPost, Path: "/auth/second-factor", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Finish signing in with a code", Description: "A code works once, and a ticket takes five tries.",
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests},
	}, s.secondFactor)
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
		OperationID: "reauthenticate", Method: http.MethodPost, Path: "/auth/reauthenticate", Tags: []string{"auth"},
		Summary: "Prove again who you are",
		Description: "Changes of the password, the address and the ways to sign in, and deleting the account, need a proof that is no older than ten " +
			"minutes: signing in, or this. Without one they answer 403 with the type reauthentication-required.",
		DefaultStatus: http.StatusNoContent, Errors: []int{
			http.StatusForbidden, http.StatusTooManyRequests,
		},
	}, s.reauthenticate)
}

func (s *Service) mailedLinks(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "verify-email", Method: http.MethodPost, Path: "/auth/verify-email", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Confirm an address with the token of a mailed link", Description: "The link works once, for 24 hours.",
		Errors: []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}, s.verifyEmail)
	httpx.Register(api, huma.Operation{
		OperationID: "resend-verification", Method: http.MethodPost, Path: "/auth/resend-verification", Tags: []string{"auth"},
		Summary: "Mail the link that confirms your address again", Description: "To an address that is confirmed already no letter is sent.", DefaultStatus: http.StatusAccepted, Errors: []int{
			http.StatusTooManyRequests,
		},
	}, s.resendVerification)
	httpx.Register(api, huma.Operation{
		OperationID: "forgot-password", Method: http.MethodPost, Path: "/auth/forgot-password", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Mail a link to choose a new password", DefaultStatus: http.StatusAccepted,
		Description: "The answer is the same whether the address has an account or not.",
		Errors:      []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}, s.forgotPassword)
	httpx.Register(api, huma.Operation{
		OperationID: "reset-password", Method: http.MethodPost, Path: "/auth/reset-password", Tags: []string{"auth"}, Metadata: httpx.Public(),
		Summary: "Choose a new password with the token of a mailed link", DefaultStatus: http.StatusNoContent,
		Description: "The link works once, for ten minutes. Every device is signed out, and the owner is told by mail.",
		Errors:      []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}, s.resetPassword)
}

func (s *Service) ownAccount(api huma.API) {
	own := func(id, method, path, summary, description string, status int,
		errors ...int) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: method, Path: path, Tags: []string{"users"}, Summary: summary,
			Description: description, DefaultStatus: status, Errors: errors,
		}
	}
	httpx.Register(api,
		own("get-profile", http.MethodGet, "/api/users/profile", "Read your own account",
			"As you see it yourself.", http.StatusOK),
		s.profile)
	httpx.Register(api, own("replace-profile", http.MethodPut, "/api/users/profile", "Replace your profile", "What is left out becomes empty.",
		http.StatusOK, http.StatusUnprocessableEntity), s.replaceProfile)
	httpx.Register(api, own("change-profile", http.MethodPatch, "/api/users/profile", "Change parts of your profile", "What is left out stays; an empty text empties.",
		http.StatusOK, http.StatusUnprocessableEntity), s.changeProfile)
	httpx.Register(api, own("change-password", http.MethodPost, "/api/users/profile/password", "Change your password",
		"Needs a recent proof of who you are. Your other devices are signed out.",
		http.StatusNoContent, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests), s.changePassword)
	httpx.Register(api, own("change-email", http.MethodPost, "/api/users/profile/email", "Change your address",
		"Needs a recent proof of who you are. The account gets the address once the link that is mailed to it was followed. The answer is the same "+
			"whether somebody has the address already or not.",
		http.StatusAccepted, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests), s.changeEmail)
}

func (s *Service) administration(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "list-users", Method: http.MethodGet, Path: "/api/users", Tags: []string{"users"},
		Summary: "List accounts, the newest first", Description: "In pages. Filters go together.", Metadata: httpx.Expensive(), Errors: []int{
			http.StatusUnprocessableEntity,
		},
	}, s.list, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "get-user", Method: http.MethodGet, Path: "/api/users/{id}", Tags: []string{"users"},
		Summary: "Read an account", Description: "What an administrator sees of it.", Errors: []int{
			http.StatusNotFound,
		},
	}, s.one, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "change-user", Method: http.MethodPatch, Path: "/api/users/{id}", Tags: []string{"users"},
		Summary:     "Change an account's role, disable it or enable it",
		Description: "It counts at once, for open rooms as well. The last administrator cannot lose the role nor be disabled.",
		Errors: []int{
			http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity,
		},
	}, s.govern, store.RoleAdmin)
}

// settled passes on that an account has changed and which sessions that ended.
func (s *Service) settled(userID string, ended []string, reason string) {
	s.Sessions.UserChanged(userID)
	s.Sessions.Announce(ended, reason)
}

// letter is a job for a letter that tells where and when something was asked for.
func (s *Service) letter(ctx context.Context, kind store.Letter) store.Mail {
	m := store.Mail{Letter: kind, Asked: s.Clock().UTC()}
	if r := httpx.RequestFrom(ctx); r != nil {
		m.IP, m.Device = r.IP, httpx.DeviceOf(r.Agent).String()
	}
	return m
}
