package users

import (
	"context"
	"errors"
	"time"

	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
)

// Export is an archive of an account, and its progress.
type Export struct {
	ID        string            `json:"id" format:"uuid"`
	State     store.ExportState `json:"state" enum:"queued,running,ready,failed" doc:"a failed one is retried for a day"`
	Progress  float64           `json:"progress" minimum:"0" maximum:"1"`
	Bytes     int64             `json:"bytes,omitempty" doc:"the size, once it is ready"`
	CreatedAt time.Time         `json:"created_at"`
	ExpiresAt time.Time         `json:"expires_at" doc:"when it is removed"`
}

type exportOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         Export
}

func newExport(e store.Export) *exportOutput {
	return &exportOutput{CacheControl: "no-store", Body: Export{
		ID: e.ID, State: e.State, Progress: e.Progress, Bytes: e.Bytes, CreatedAt: e.CreatedAt,
		ExpiresAt: e.ExpiresAt,
	}}
}

func (s *Service) requestExport(ctx context.Context, _ *struct{}) (*exportOutput, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	if p.User.VerifiedAt == nil {
		return nil, httpx.Unconfirmed("cannot ask for an archive")
	}
	e, err := s.Store.RequestExport(ctx, p.User.ID, store.Effects{
		Acts: []store.Act{httpx.Act(ctx, store.ActExport)},
	})
	return newExport(e), err
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
	return newExport(e), err
}

// downloadTime is the time a client has to download an archive.
const downloadTime = time.Hour

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
	// The operation's context ends before the file is sent.
	f, err := s.OpenFile(context.WithoutCancel(ctx), e.Key())
	if err != nil {
		return nil, err
	}
	return httpx.SendFile(f, downloadTime, map[string]string{
		"Content-Type":        "application/zip",
		"Content-Disposition": `attachment; filename="bedside.zip"`,
		"Cache-Control":       "private, no-store",
	}), nil
}

type deleteOutput struct {
	SetCookie []string `header:"Set-Cookie"`
}

func (s *Service) deleteAccount(ctx context.Context, _ *struct{}) (*deleteOutput, error) {
	p, err := s.Proofs.Require(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.delete(ctx, p, p.User.ID); err != nil {
		return nil, err
	}
	return &deleteOutput{SetCookie: httpx.SetRefreshCookie(ctx, "", time.Time{})}, nil
}
