// Package users is the slice of accounts: the profile, changes of the password and the address,
// the archive of everything kept about a user, deleting the account, and what administrators do.
//
// An account has a role: a candidate practises, a tutor also plays the patient, and an
// administrator also manages accounts. There is always at least one administrator who is not
// disabled.
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

// Accounts keeps accounts; store/postgres implements it.
type Accounts interface {
	// Register makes an account, unless the address has one, and applies the effects either way.
	Register(ctx context.Context, u store.User,
		after func(u store.User, isNew bool) store.Effects) (store.User, error)
	User(ctx context.Context, id string) (store.User, error)
	Users(ctx context.Context, f store.UserFilter) ([]store.User, error)
	// ChangeUser runs the rule on the locked row, and stores the change with its effects.
	ChangeUser(ctx context.Context, id string,
		rule func(*store.User) (store.Effects, error)) (u store.User, endedSessions []string,
		err error)
	// DeleteUser runs the rule on the locked row, and deletes the account with its data.
	DeleteUser(ctx context.Context, id string,
		rule func(store.User) (store.Effects, error)) (endedSessions []string, err error)
}

// Exports keeps archives of accounts; store/postgres implements it.
type Exports interface {
	RequestExport(ctx context.Context, userID string,
		effects store.Effects) (store.Export, error)
	LastExport(ctx context.Context, userID string) (store.Export, error)
}

// Proofs uses second factors up, as proofs of identity; store/postgres implements it.
type Proofs interface {
	ChangeFactor(ctx context.Context, userID string,
		rule func(store.User, *store.Factor) (store.Effects, error)) error
	UsePasskey(ctx context.Context, userID string, credentialID, credential []byte,
		now time.Time) error
}

// Store is where the slice keeps its records.
type Store interface {
	Accounts
	Exports
	Proofs
	// ApplyEffects keeps audit entries and mails that belong to no change of an account.
	ApplyEffects(ctx context.Context, effects store.Effects) error
}

// Service handles the slice's operations.
type Service struct {
	Store     Store
	Sessions  *auth.Sessions
	Passwords *auth.Passwords
	Passkeys  *auth.Passkeys
	Proofs    auth.Proofs
	Tries     auth.Tries
	// Registration says whether administrators may invite.
	Registration store.Registration
	// OpenFile opens an archive's file by its key.
	OpenFile func(ctx context.Context, key string) (httpx.File, error)
	Clock    func() time.Time
	Log      *slog.Logger
}

// Slice describes the slice to package api.
func (s *Service) Slice() httpx.Slice {
	return httpx.Slice{
		Tag: "users", Description: "Accounts",
		Routes: func(api huma.API) {
			s.profileRoutes(api)
			s.credentialRoutes(api)
			s.exportRoutes(api)
			s.adminRoutes(api)
		},
		Tables: []store.TableRule{
			{Table: "users", OnDelete: store.Deleted, Why: "the account itself"},
			{Table: "exports", OnDelete: store.Deleted, Why: "archives, with their files"},
		},
		Files: []store.FileRule{{
			Pattern: "exports/<user>/<export>.zip", OnDelete: store.Deleted,
			Why: "removed by the same job as recordings",
		}},
	}
}

const profilePath = "/api/users/profile"

func (s *Service) profileRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "get-profile", Method: http.MethodGet, Path: profilePath,
		Summary: "Read your own account", Description: "As you see it yourself.",
	}, s.profile)
	httpx.Register(api, huma.Operation{
		OperationID: "replace-profile", Method: http.MethodPut, Path: profilePath,
		Summary: "Replace your profile", Description: "Fields that are left out become empty.",
		Errors: []int{http.StatusUnprocessableEntity},
	}, s.replaceProfile)
	httpx.Register(api, huma.Operation{
		OperationID: "change-profile", Method: http.MethodPatch, Path: profilePath,
		Summary:     "Change parts of your profile",
		Description: "Fields that are left out stay as they are; an empty text empties a field.",
		Errors:      []int{http.StatusUnprocessableEntity},
	}, s.changeProfile)
}

func (s *Service) credentialRoutes(api huma.API) {
	errors := []int{
		http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
	}
	httpx.Register(api, huma.Operation{
		OperationID: "change-password", Method: http.MethodPost, Path: profilePath + "/password",
		Summary: "Change your password",
		Description: "Needs the current password, a code or a passkey in the request itself, " +
			"however recently you have signed in. Your other devices are signed out.",
		DefaultStatus: http.StatusNoContent, Errors: errors,
	}, s.changePassword)
	httpx.Register(api, huma.Operation{
		OperationID: "change-email", Method: http.MethodPost, Path: profilePath + "/email",
		Summary: "Change your address",
		Description: httpx.NeedsProof + " The account gets the address once the link that is " +
			"mailed to it has been opened. The answer is the same whether another account has the address " +
			"or not.",
		DefaultStatus: http.StatusAccepted, Errors: errors,
	}, s.changeEmail)
}

func (s *Service) exportRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "request-export", Metadata: httpx.Expensive(), Method: http.MethodPost,
		Path: profilePath + "/export", DefaultStatus: http.StatusAccepted,
		Summary: "Ask for an archive of everything that is kept about you",
		Description: "It is made in the background and kept for a week. While one is being " +
			"made, asking again returns that one. " + httpx.NeedsProof,
		Errors: []int{http.StatusForbidden},
	}, s.requestExport)
	httpx.Register(api, huma.Operation{
		OperationID: "get-export", Method: http.MethodGet, Path: profilePath + "/export",
		Summary: "Read the progress of your archive", Description: "Of the newest one.",
		Errors: []int{http.StatusNotFound},
	}, s.export)
	httpx.Register(api, huma.Operation{
		OperationID: "get-archive", Metadata: httpx.Expensive(), Method: http.MethodGet,
		Path: profilePath + "/export/archive", Summary: "Download your archive",
		Description: "Range requests work, so that a broken download can be resumed.",
		Errors:      []int{http.StatusNotFound},
		Responses: map[string]*huma.Response{"200": {
			Description: "A ZIP file",
			Content: map[string]*huma.MediaType{
				"application/zip": {
					Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"},
				},
			},
		}},
	}, s.archive)
	httpx.Register(api, huma.Operation{
		OperationID: "delete-account", Method: http.MethodDelete, Path: profilePath,
		DefaultStatus: http.StatusNoContent, Summary: "Delete your account",
		Description: "With its role plays, reports and recordings, at once and for good. Every " +
			"device is signed out. The last administrator cannot delete their account. " +
			httpx.NeedsProof,
		Errors: []int{http.StatusForbidden, http.StatusConflict},
	}, s.deleteAccount)
}

func (s *Service) adminRoutes(api huma.API) {
	httpx.Register(api, huma.Operation{
		OperationID: "list-users", Method: http.MethodGet, Path: "/api/users",
		Metadata: httpx.Expensive(), Summary: "List accounts, newest first",
		Description: "Returns one page. An account must match every filter.",
		Errors:      []int{http.StatusUnprocessableEntity},
	}, s.listAccounts, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "create-user", Method: http.MethodPost, Path: "/api/users",
		DefaultStatus: http.StatusCreated, Summary: "Create an account, or invite its owner",
		Description: "With a password the account can be used at once. Without one its owner is " +
			"mailed a link to choose one, which works once, for a week. " +
			httpx.NeedsProof,
		Errors: []int{
			http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity,
		},
	}, s.createAccount, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "invite-user", Method: http.MethodPost, Path: "/api/users/{id}/invitation",
		DefaultStatus: http.StatusAccepted, Summary: "Mail the invitation again",
		Description: "To an account whose owner has not chosen a password yet.",
		Errors: []int{
			http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
		},
	}, s.invite, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "delete-user", Method: http.MethodDelete, Path: "/api/users/{id}",
		DefaultStatus: http.StatusNoContent, Summary: "Delete an account",
		Description: "With its role plays, reports and recordings, at once and for good. Its " +
			"owner is mailed. The last administrator cannot be deleted. " +
			httpx.NeedsProof,
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict},
	}, s.deleteOther, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "get-user", Method: http.MethodGet, Path: "/api/users/{id}",
		Summary: "Read an account", Description: "As an administrator sees it.",
		Errors: []int{http.StatusNotFound},
	}, s.getAccount, store.RoleAdmin)
	httpx.Register(api, huma.Operation{
		OperationID: "change-user", Method: http.MethodPatch, Path: "/api/users/{id}",
		Summary: "Change an account's role, disable it or enable it",
		Description: "The change takes effect at once, in open rooms as well. The last " +
			"administrator cannot lose the role nor be disabled.",
		Errors: []int{
			http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity,
		},
	}, s.changeAccount, store.RoleAdmin)
}
