// Package signin is the slice of signing in and out: registration, passwords, mailed links, the
// second step with a code, passkeys, and refresh tokens.
//
// Signing in starts a session (a signed-in device) and returns a grant: a short-lived access
// token, which every request carries, and a refresh token, which is exchanged for the next pair.
// An account with an authenticator app signs in by two steps: the right password is answered with
// a ticket, and the ticket with a code gets the grant. A passkey counts as both factors.
//
// No answer reveals whether an address has an account: the answers to registering and to asking
// for a link are the same either way. Only the mail differs.
package signin

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Accounts finds and makes accounts; store/postgres implements it.
type Accounts interface {
	// Register makes an account, unless the address has one, and applies the effects either way.
	Register(ctx context.Context, u store.User,
		after func(u store.User, isNew bool) store.Effects) (store.User, error)
	User(ctx context.Context, id string) (store.User, error)
	UserByEmail(ctx context.Context, email string) (store.User, error)
	// PendingUsers returns the accounts that wait to confirm an address.
	PendingUsers(ctx context.Context, email string) ([]store.User, error)
	// RecentAddresses returns from where a user has signed in since a time.
	RecentAddresses(ctx context.Context, userID string, since time.Time) ([]string, error)
	// UseMailToken runs the rule on the locked row of the account that a mailed link belongs to.
	UseMailToken(ctx context.Context, hash []byte, purposes []store.TokenPurpose, now time.Time,
		rule func(*store.User, store.MailToken) (store.Effects, error)) (u store.User,
		endedSessions []string, err error)
}

// SecondSteps keeps sign-ins that wait for a code, and the factors that codes are checked against;
// store/postgres implements it.
type SecondSteps interface {
	Factor(ctx context.Context, userID string) (store.Factor, error)
	BeginSignIn(ctx context.Context, u store.User, s store.SignIn) error
	SignInOwner(ctx context.Context, hash []byte) (userID string, err error)
	FinishSignIn(ctx context.Context, hash []byte,
		rule func(*store.SignIn, store.User, *store.Factor) error) (store.User, error)
	UsePasskey(ctx context.Context, userID string, credentialID, credential []byte,
		now time.Time) error
}

// Effects keeps audit entries and mails that belong to no change of an account; store/postgres
// implements it.
type Effects interface {
	ApplyEffects(ctx context.Context, effects store.Effects) error
	Record(ctx context.Context, act store.Act) error
}

// Store is where the slice keeps its records.
type Store interface {
	Accounts
	SecondSteps
	Effects
}

// Service handles the slice's operations.
type Service struct {
	Store     Store
	Sessions  *auth.Sessions
	Passwords *auth.Passwords
	Passkeys  *auth.Passkeys
	Tries     auth.Tries
	Clock     func() time.Time
	// Registration says whether everybody may register.
	Registration store.Registration
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "auth", Description: "Signing in and out",
		Routes: func(api huma.API) {
			s.passwordRoutes(api)
			s.linkRoutes(api)
			s.passkeyRoutes(api)
			s.sessionRoutes(api)
		},
		Tables: []store.TableRule{
			{Table: "mail_tokens", OnDelete: store.Deleted, Why: "mailed links stop working"},
			{Table: "sign_ins", OnDelete: store.Deleted, Why: "sign-ins that wait for a code"},
		},
	}
}

func (s *Service) passwordRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "register", Method: http.MethodPost, Path: "/auth/register",
		Metadata: httpx.Public(),
		Summary:  "Register as a candidate", DefaultStatus: http.StatusAccepted,
		Description: "The answer is the same whether the address is new or already has an " +
			"account; only the mail differs. On this device, or from this network, the new " +
			"account can sign in at once with the password given here; elsewhere once the link " +
			"in the mail was followed. 403 when registration is not open.",
		Errors: []int{
			http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		},
	}, s.register)
	httpx.Register(api, huma.Operation{
		OperationID: "get-registration", Method: http.MethodGet, Path: "/auth/registration",
		Metadata: httpx.Public(), Summary: "Ask who may register",
		Description: "For pages that offer it.",
	}, s.registration)
	refused := []int{
		http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests,
	}
	httpx.Register(api, twoStepResponses(api, huma.Operation{
		OperationID: "login", Method: http.MethodPost, Path: "/auth/login",
		Metadata: httpx.Public(), Summary: "Sign in",
		Description: "The answer to a wrong password is the same as to an address without an " +
			"account.",
		Errors: refused,
	}, http.StatusOK), s.login)
	httpx.Register(api, twoStepResponses(api, huma.Operation{
		OperationID: "create-session", Method: http.MethodPost, Path: "/api/sessions",
		Tags: []string{"sessions"}, Metadata: httpx.Public(),
		Summary: "Sign a device in", Description: "The same as login.",
		Errors: refused,
	}, http.StatusCreated), s.createSession)
	httpx.Register(api, huma.Operation{
		OperationID: "second-factor", Method: http.MethodPost, Path: "/auth/second-factor",
		Metadata: httpx.Public(), Summary: "Finish signing in with a code",
		Description: "A code works once. A ticket allows five tries.",
		Errors:      refused,
	}, s.secondFactor)
}

// twoStepResponses adds the two successful responses of an operation that takes a password.
func twoStepResponses(api huma.API, op huma.Operation, granted int) huma.Operation {
	response := func(description string, body any, name string) *huma.Response {
		schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(body), true, name)
		return &huma.Response{
			Description: description,
			Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}},
		}
	}
	op.DefaultStatus = granted
	op.Responses = map[string]*huma.Response{
		strconv.Itoa(granted): response("Signed in", Grant{}, "Grant"),
		strconv.Itoa(http.StatusAccepted): response(
			"The password is right; a second factor is needed", SecondStep{}, "SecondStep"),
	}
	return op
}

func (s *Service) linkRoutes(api huma.API) {
	errors := []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests}
	httpx.Register(api, huma.Operation{
		OperationID: "verify-email", Method: http.MethodPost, Path: "/auth/verify-email",
		Metadata: httpx.Public(), Summary: "Confirm an address with the token of a mailed link",
		Description: "The link works once, for 24 hours.", Errors: errors,
	}, s.verifyEmail)
	httpx.Register(api, huma.Operation{
		OperationID: "resend-verification", Method: http.MethodPost,
		Path:          "/auth/resend-verification",
		Summary:       "Mail the link that confirms your address again",
		DefaultStatus: http.StatusAccepted,
		Description:   "No mail is sent to an address that is already confirmed.",
		Errors:        []int{http.StatusTooManyRequests},
	}, s.resendVerification)
	httpx.Register(api, huma.Operation{
		OperationID: "forgot-password", Method: http.MethodPost, Path: "/auth/forgot-password",
		Metadata: httpx.Public(),
		Summary:  "Mail a link to choose a new password", DefaultStatus: http.StatusAccepted,
		Description: "The answer is the same whether the address has an account or not.",
		Errors:      errors,
	}, s.forgotPassword)
	httpx.Register(api, huma.Operation{
		OperationID: "reset-password", Method: http.MethodPost, Path: "/auth/reset-password",
		Metadata: httpx.Public(), Summary: "Choose a new password with the token of a mailed link",
		DefaultStatus: http.StatusNoContent,
		Description: "The link works once, for ten minutes. Every device is signed out, and " +
			"the owner gets a mail.",
		Errors: errors,
	}, s.resetPassword)
}

func (s *Service) passkeyRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "begin-passkey-sign-in", Method: http.MethodPost,
		Path: "/auth/passkeys/begin", Metadata: httpx.Public(),
		Summary: "Begin to sign in with a passkey",
		Description: "Returns the options for navigator.credentials.get. The ticket works once, " +
			"for five minutes.",
		Errors: []int{http.StatusConflict, http.StatusTooManyRequests},
	}, s.beginPasskey)
	httpx.Register(api, huma.Operation{
		OperationID: "finish-passkey-sign-in", Method: http.MethodPost,
		Path: "/auth/passkeys/finish", Metadata: httpx.Public(),
		Summary: "Sign in with a passkey",
		Description: "A passkey counts as both factors: it is a device that the user has, and it " +
			"asks for a finger, a face or a PIN.",
		Errors: []int{
			http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict,
			http.StatusTooManyRequests,
		},
	}, s.finishPasskey)
}

func (s *Service) sessionRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "refresh", Method: http.MethodPost, Path: "/auth/refresh",
		Metadata: httpx.Public(), Summary: "Get a new access token for a refresh token",
		Description: "The refresh token comes in the body, or in the cookie that signing in " +
			"with refresh_in cookie has set. It is replaced each time. The previous token is " +
			"answered with the current one, so that a lost answer or a second tab does no harm; " +
			"anything older ends the session. Without a token the response is 204: nobody is " +
			"signed in.",
		Responses: map[string]*huma.Response{
			"204": {Description: "There is no refresh token, so nobody is signed in"},
		},
		Errors: []int{
			http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests,
		},
	}, s.refresh)
	httpx.Register(api, huma.Operation{
		OperationID: "logout", Method: http.MethodPost, Path: "/auth/logout",
		Metadata: httpx.Public(), Summary: "Sign this device out",
		Description: "The refresh token (in the body or the cookie) or the access token " +
			"identifies the session.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusUnauthorized},
	}, s.logout)
}

// errDisabled is returned for every way of signing in to a disabled account.
var errDisabled = &httpx.Fault{
	Err: store.ErrForbidden, Code: "account-disabled",
	Detail: "This account is disabled. Ask an administrator.",
}
