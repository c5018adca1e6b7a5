package users

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

// Exports keeps archives of accounts, and deletes accounts; store/postgres does.
type Exports interface {
	RequestExport(ctx context.Context, userID string, after store.Effects) (store.Export, error)
	LastExport(ctx context.Context, userID string) (store.Export, error)
	DeleteUser(ctx context.Context, userID string,
		rule func(store.User) (store.Effects, error)) (ended []string, err error)
}

func (s *Service) exportRoutes(api huma.API) {
	archive := map[string]*huma.MediaType{
		"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}
	httpx.Register(api, huma.Operation{
		OperationID: "request-export", Metadata: httpx.Expensive(), Method: http.MethodPost, Path: "/api/users/profile/export", Tags: []string{"users"}, DefaultStatus: http.StatusAccepted,
		Summary: "Ask for an archive of all that is kept of you",
		Description: "It is made in the background and kept for a week. While one is being made, asking again gives that one. Needs a recent proof of who " +
			"you are.",
		Errors: []int{http.StatusForbidden},
	}, s.requestExport)
	httpx.Register(api, huma.Operation{
		OperationID: "get-export", Method: http.MethodGet, Path: "/api/users/profile/export", Tags: []string{"users"},
		Summary: "Say how far your archive is", Description: "The newest that was asked for.", Errors: []int{
			http.StatusNotFound,
		},
	}, s.export)
	httpx.Register(api, huma.Operation{
		OperationID: "get-archive", Metadata: httpx.Expensive(), Method: http.MethodGet, Path: "/api/users/profile/export/archive", Tags: []string{"users"},
		Summary: "Fetch your archive", Description: "Ranges work, so that a broken download can go on.", Errors: []int{
			http.StatusNotFound,
		},
		Responses: map[string]*huma.Response{"200": {Description: "A ZIP file", Content: archive}},
	}, s.archive)
	httpx.Register(api, huma.Operation{
		OperationID: "delete-account", Method: http.MethodDelete, Path: "/api/users/profile", Tags: []string{"users"}, DefaultStatus: http.StatusNoContent,
		Summary: "Delete your account",
		Description: "With its role plays, reports and recordings, at once and for good. Every device is signed out. The last administrator cannot go. Needs a " +
			"recent proof of who you are.",
		Errors: []int{http.StatusForbidden, http.StatusConflict},
	}, s.deleteAccount)
}

// Export is an archive of an account.
type Export struct {
	ID        string            `json:"id" format:"uuid"`
	State     store.ExportState `json:"state" enum:"queued,running,ready,failed" doc:"a failed one is tried again by itself for a day"`
	Progress  float64           `json:"progress" minimum:"0" maximum:"1"`
	Bytes     int64             `json:"bytes,omitempty" doc:"its size, once it is ready"`
	CreatedAt time.Time         `json:"created_at"`
	ExpiresAt time.Time         `json:"expires_at" doc:"when it is removed"`
}

type exportOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Export
}

func exported(e store.Export) *exportOutput {
	return &exportOutput{CacheControl: "no-store", Body: Export{
		ID: e.ID, State: e.State, Progress: e.Progress, Bytes: e.Bytes, CreatedAt: e.CreatedAt, ExpiresAt: e.ExpiresAt,
	}}
}

func (s *Service) requestExport(ctx context.Context, _ *struct{}) (*exportOutput, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	e, err := s.Store.RequestExport(ctx, p.User.ID, store.Effects{
		Acts: []store.Act{httpx.Act(ctx, store.ActExport)},
	})
	return exported(e), err
}

func (s *Service) lastExport(ctx context.Context) (store.Export, error) {
	p, err := auth.PrincipalFrom(ctx)
	if err != nil {
		return store.Export{}, err
	}
	e, err := s.Store.LastExport(ctx, p.User.ID)
	if errors.Is(err, store.ErrNotFound) {
		err = &httpx.Fault{
			Err: err, Code: "no-export", Detail: "There is no archive: ask for one.",
		}
	}
	return e, err
}

func (s *Service) export(ctx context.Context, _ *struct{}) (*exportOutput, error) {
	e, err := s.lastExport(ctx)
	return exported(e), err
}

// fetchWithin is the time a client has to fetch an archive.
const fetchWithin = time.Hour

func (s *Service) archive(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
	e, err := s.lastExport(ctx)
	if err != nil {
		return nil, err
	}
	if e.State != store.ExportReady {
		return nil, &httpx.Fault{
			Err: store.ErrNotFound, Code: "export-pending",
			Detail: "The archive is not ready yet.",
		}
	}
	// Not of the operation's context: that one ends before the file is through.
	f, err := s.Open(context.WithoutCancel(ctx), e.Key())
	if err != nil {
		return nil, err
	}
	return httpx.SendFile(f, fetchWithin, map[string]string{
		"Content-Type": "application/zip", "Content-Disposition": `attachment; filename="bedside.zip"`, "Cache-Control": "private, no-store",
	}), nil
}

func (s *Service) deleteAccount(ctx context.Context, _ *struct{}) (*logoutOutput, error) {
	p, err := s.recent(ctx)
	if err != nil {
		return nil, err
	}
	ended, err := s.Store.DeleteUser(ctx, p.User.ID, func(u store.User) (store.Effects, error) {
		act, letter := httpx.Act(ctx, store.ActDelete), s.letter(ctx, store.LetterAccountDeleted)
		act.IP, act.UserAgent = "", "" // nothing of the account's is kept but its id
		letter.To, letter.Name = u.Email, u.Name
		return store.Effects{Acts: []store.Act{act}, Jobs: []store.Job{letter}}, nil
	})
	if errors.Is(err, store.ErrState) {
		return nil, &httpx.Fault{
			Err: err, Code: "last-administrator",
			Detail: "You are the last administrator. Make somebody else one first.",
		}
	}
	if err != nil {
		return nil, err
	}
	s.settled(p.User.ID, ended, "This account was deleted.")
	return &logoutOutput{SetCookie: refreshCookie(ctx, "", time.Time{})}, nil
}
