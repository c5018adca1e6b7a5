// Package factors is the slice of the ways to prove one's identity besides the password: an
// authenticator app with its recovery codes, and passkeys. It also repeats the proof of identity
// that sensitive changes need.
//
// An authenticator app shows a code of six digits that changes every 30 seconds (TOTP, RFC 6238).
// Recovery codes replace it once each, for when the device is lost. A passkey is a key pair on a
// device, used through WebAuthn. Each change of these needs a recent proof of identity (see
// auth.Proofs), is in the audit trail and is followed by a mail to the owner.
package factors

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

// Authenticators keeps authenticator apps and recovery codes; store/postgres implements it.
type Authenticators interface {
	Factor(ctx context.Context, userID string) (store.Factor, error)
	ChangeFactor(ctx context.Context, userID string,
		rule func(store.User, *store.Factor) (store.Effects, error)) error
}

// Passkeys keeps passkeys; store/postgres implements it.
type Passkeys interface {
	Passkeys(ctx context.Context, userID string) ([]store.Passkey, error)
	AddPasskey(ctx context.Context, p store.Passkey, effects store.Effects) (store.Passkey, error)
	RemovePasskey(ctx context.Context, userID, id string,
		effects func(store.User, store.Passkey) store.Effects) error
}

// Store is where the slice keeps its records.
type Store interface {
	Authenticators
	Passkeys
	User(ctx context.Context, id string) (store.User, error)
	Record(ctx context.Context, act store.Act) error
}

// Service handles the slice's operations.
type Service struct {
	Store     Store
	Sessions  *auth.Sessions
	Passwords *auth.Passwords
	Passkeys  *auth.Passkeys
	Proofs    auth.Proofs
	Tries     auth.Tries
	Clock     func() time.Time
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "factors", Description: "Authenticator apps, recovery codes and passkeys",
		Routes: func(api huma.API) {
			s.totpRoutes(api)
			s.passkeyRoutes(api)
			s.proofRoutes(api)
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
	}
}

const basePath = "/api/users/profile/factors"

func (s *Service) totpRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "get-factors", Method: http.MethodGet, Path: basePath,
		Summary:     "List the ways in which you prove your identity",
		Description: "Secrets are not shown.",
	}, s.list)
	httpx.Register(api, huma.Operation{
		OperationID: "begin-totp", Method: http.MethodPost, Path: basePath + "/totp",
		Summary: "Set up an authenticator app",
		Description: "Returns a secret for the app. The app is on once one of its codes is " +
			"confirmed; asking again returns another secret. " + httpx.NeedsProof,
		Errors: []int{http.StatusForbidden, http.StatusConflict},
	}, s.beginTOTP)
	httpx.Register(api, huma.Operation{
		OperationID: "confirm-totp", Method: http.MethodPost, Path: basePath + "/totp/confirm",
		Summary:     "Turn the authenticator app on with one of its codes",
		Description: "Returns recovery codes, which are shown only this once. " + httpx.NeedsProof,
		Errors: []int{
			http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity,
			http.StatusTooManyRequests,
		},
	}, s.confirmTOTP)
	httpx.Register(api, huma.Operation{
		OperationID: "remove-totp", Method: http.MethodDelete, Path: basePath + "/totp",
		Summary:       "Turn the authenticator app off",
		Description:   "Its recovery codes are removed as well. " + httpx.NeedsProof,
		DefaultStatus: http.StatusNoContent,
		Errors:        []int{http.StatusForbidden, http.StatusNotFound},
	}, s.removeTOTP)
	httpx.Register(api, huma.Operation{
		OperationID: "renew-recovery-codes", Method: http.MethodPost,
		Path: basePath + "/recovery-codes", Summary: "Get new recovery codes",
		Description: "The old ones stop working. " + httpx.NeedsProof,
		Errors:      []int{http.StatusForbidden, http.StatusNotFound},
	}, s.renewRecoveryCodes)
}

func (s *Service) passkeyRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "begin-passkey", Method: http.MethodPost, Path: basePath + "/passkeys/begin",
		Summary:     "Begin to add a passkey",
		Description: "Returns the options for navigator.credentials.create. " + httpx.NeedsProof,
		Errors:      []int{http.StatusForbidden, http.StatusConflict},
	}, s.beginPasskey)
	httpx.Register(api, huma.Operation{
		OperationID: "add-passkey", Method: http.MethodPost, Path: basePath + "/passkeys",
		Summary: "Add a passkey", Description: httpx.NeedsProof, DefaultStatus: http.StatusCreated,
		Errors: []int{
			http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity,
		},
	}, s.addPasskey)
	httpx.Register(api, huma.Operation{
		OperationID: "remove-passkey", Method: http.MethodDelete,
		Path: basePath + "/passkeys/{id}", Summary: "Remove a passkey",
		Description: httpx.NeedsProof, DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, s.removePasskey)
}

func (s *Service) proofRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "reauthenticate", Method: http.MethodPost, Path: "/auth/reauthenticate",
		Tags: []string{"auth"}, Summary: "Prove your identity again",
		Description: "Changes of the address and the ways to sign in, and " +
			"deleting the account, need a proof of identity that is no older than ten minutes: " +
			"signing in, or this. Without one they are answered 403 with the type " +
			"reauthentication-required.",
		DefaultStatus: http.StatusNoContent,
		Errors:        []int{http.StatusForbidden, http.StatusTooManyRequests},
	}, s.reauthenticate)
}

// FactorList lists the ways in which a user proves their identity.
type FactorList struct {
	Password          bool      `json:"password"`
	TOTP              TOTP      `json:"totp"`
	RecoveryCodesLeft int       `json:"recovery_codes_left" example:"10"`
	Passkeys          []Passkey `json:"passkeys"`
}

// TOTP says whether an authenticator app is on.
type TOTP struct {
	Enabled bool       `json:"enabled"`
	Since   *time.Time `json:"since,omitempty"`
}

type listOutput struct{ Body FactorList }

func (s *Service) list(ctx context.Context, _ *struct{}) (*listOutput, error) {
	u, err := s.currentUser(ctx)
	if err != nil {
		return nil, err
	}
	f, err := s.Store.Factor(ctx, u.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	passkeys, err := s.Store.Passkeys(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	out := &listOutput{Body: FactorList{
		Password: u.PasswordHash != "", TOTP: TOTP{Enabled: f.On(), Since: f.ConfirmedAt},
		RecoveryCodesLeft: len(f.Recovery), Passkeys: []Passkey{},
	}}
	for _, k := range passkeys {
		out.Body.Passkeys = append(out.Body.Passkeys, newPasskey(k))
	}
	return out, nil
}

// currentUser reads the account of the user who makes the request. The principal has a part of it
// only, which may be from the cache.
func (s *Service) currentUser(ctx context.Context) (store.User, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return store.User{}, err
	}
	return s.Store.User(ctx, p.User.ID)
}

// changeEffects returns the audit entry and the mail that follow a change of a user's factors.
func (s *Service) changeEffects(ctx context.Context, action store.Action,
	template store.MailTemplate, u store.User, what string) store.Effects {
	act, mail := httpx.Act(ctx, action), httpx.NewMail(ctx, template, s.Clock())
	act.Object, mail.UserID, mail.What = what, u.ID, what
	return store.Effects{Acts: []store.Act{act}, Jobs: []store.Job{mail}}
}
