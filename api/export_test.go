package api_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bedside/api/archive"
	"bedside/api/users"
	"bedside/store"
	"bedside/store/postgres"
)

// archivist does the jobs of a server's archives when the test says so.
func (s *server) archivist() *archive.Archivist {
	var tables []archive.Table
	for _, p := range postgres.PersonalTables() {
		tables = append(tables, archive.Table{
			Name: p.Table,
			Rows: func(ctx context.Context, id string) ([]string, error) {
				return db.PersonalRows(ctx, p, id)
			},
		})
	}
	return &archive.Archivist{
		Store: db, Files: s.blobs, Tables: tables, Log: slog.New(slog.DiscardHandler),
		Open: func(ctx context.Context,
			key string) (io.ReadCloser, error) {
			return s.blobs.Open(ctx, key)
		},
	}
}

func TestExport(t *testing.T) {
	s := newServer(t)
	p, tutor := s.someone(t, store.RoleCandidate), s.someone(t, store.RoleTutor)
	attempt := s.reported(t, p, tutor)
	app, codes := p.withApp(t)
	factor, err := db.Factor(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	secrets := append(codes, "$2a$", "refresh_hash", hex.EncodeToString(app.secret),
		base32.StdEncoding.EncodeToString(app.secret), hex.EncodeToString(factor.Secret))
	for _, hash := range factor.Recovery {
		secrets = append(secrets, hex.EncodeToString(hash))
	}
	p.do(t, "GET", "/api/users/profile/export", nil).problem(t, 404, "no-export")
	p.do(t, "GET", "/api/users/profile/export/archive", nil).problem(t, 404, "no-export")
	var e, again users.Export
	p.do(t, "POST", "/api/users/profile/export", nil).expect(t, 202).into(t, &e)
	p.do(t, "POST", "/api/users/profile/export", nil).expect(t, 202).into(t, &again)
	if e.State != store.ExportQueued || e.ID != again.ID || !e.ExpiresAt.After(e.CreatedAt) {
		t.Errorf("asked for: %+v, then %+v", e, again)
	}
	p.do(t, "GET", "/api/users/profile/export/archive", nil).problem(t, 404, "export-pending")
	for range 2 { // a job may run twice
		if err := s.archivist().Make(t.Context(), store.MakeExport{
			ID: e.ID, UserID: p.id,
		}); err != nil {
			t.Fatal(err)
		}
	}
	p.do(t, "GET", "/api/users/profile/export", nil).expect(t, 200).into(t, &e)
	a := p.do(t, "GET", "/api/users/profile/export/archive", nil).expect(t, 200)
	if e.State != store.ExportReady || e.Progress != 1 || e.Bytes != int64(len(a.body)) ||
		a.Header.Get("Content-Type") != "application/zip" {
		t.Errorf("made: %+v of %d bytes as %s", e, len(a.body), a.Header.Get("Content-Type"))
	}
	z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(b)
		if strings.HasSuffix(f.Name, ".json") && !json.Valid(b) {
			t.Errorf("%s is no JSON: %s", f.Name, b)
		}
	}
	for name, holds := range map[string]string{
		"README.txt": "OET", "account/users.json": p.email, "account/factors.json": "confirmed_at", "account/sessions.json": "127.0.0.1", "account/attempts.json": attempt,
		"reports/" + attempt + ".json": `"speakers"`, "recordings/" + attempt +
			"/candidate.ogg": "",
	} {
		if got, ok := files[name]; !ok || name != "README.txt" && !strings.Contains(got, holds) {
			t.Errorf("%s: %v, %.200s", name, ok, got)
		}
	}
	for name, text := range files {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds a secret", name)
			}
		}
	}
	// It is the owner's, and for a week.
	tutor.do(t, "GET", "/api/users/profile/export/archive", nil).problem(t, 404, "no-export")
	if err := exec(t.Context(),
		`UPDATE exports SET expires_at = now() - interval '1 second' WHERE id = $1`,
		e.ID); err != nil {
		t.Fatal(err)
	}
	p.do(t, "GET", "/api/users/profile/export", nil).problem(t, 404, "no-export")
}

func TestExportFails(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	var e users.Export
	p.do(t, "POST", "/api/users/profile/export", nil).expect(t, 202).into(t, &e)
	broken := s.archivist()
	broken.Tables = append(broken.Tables, archive.Table{
		Name: "broken",
		Rows: func(context.Context, string) ([]string, error) { return nil, store.ErrUnavailable },
	})
	if err := broken.Make(t.Context(), store.MakeExport{ID: e.ID, UserID: p.id}); err == nil {
		t.Error("no error")
	}
	p.do(t, "GET", "/api/users/profile/export", nil).expect(t, 200).into(t, &e)
	if e.State != store.ExportFailed {
		t.Errorf("state %s", e.State)
	}
	if err := s.archivist().Make(t.Context(), store.MakeExport{
		ID: e.ID, UserID: p.id,
	}); err != nil {
		t.Error("the next try:", err)
	}
}

func TestDeleteAccount(t *testing.T) {
	s := newServer(t)
	p := s.registered(t, address())
	id, other := p.session(t), p.device(t, firefox)
	s.forward(11 * time.Minute)
	var g users.Grant
	p.do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": p.refresh,
	}).expect(t, 200).into(t, &g)
	p.access = g.AccessToken
	p.do(t, "DELETE", "/api/users/profile", nil).problem(t, 403, "reauthentication-required")
	p.do(t, "POST", "/api/users/profile/export", nil).problem(t, 403, "reauthentication-required")
	p.do(t, "POST", "/auth/reauthenticate", map[string]any{"password": password}).expect(t, 204)
	p.do(t, "DELETE", "/api/users/profile", nil).expect(t, 204)
	if !s.hasEnded(id) {
		t.Error("open rooms were not told")
	}
	p.do(t, "GET", "/api/scenarios", nil).problem(t, 401, "unauthenticated")
	for _, d := range []*person{p, other} {
		d.do(t, "POST", "/auth/refresh", map[string]any{
			"refresh_token": d.refresh,
		}).problem(t, 401, "session-ended")
	}
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": p.email, "password": password,
	}).problem(t, 401, "wrong-credentials")
	post.letter(t, p.email, "Your account was deleted")
	s.registered(t, p.email) // the address is free again
}
