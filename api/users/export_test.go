package users_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/archive"
	"bedside/api/users"
	"bedside/store"
)

func TestExport(t *testing.T) {
	s := apitest.NewServer(t)
	p, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	attempt := s.NewReport(t, p, tutor)
	app, codes := p.AddAuthenticator(t)
	factor, err := s.DB.Factor(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	secrets := append(codes, "$2a$", "refresh_hash", hex.EncodeToString(app.Secret),
		base32.StdEncoding.EncodeToString(app.Secret), hex.EncodeToString(factor.Secret))
	for _, hash := range factor.Recovery {
		secrets = append(secrets, hex.EncodeToString(hash))
	}
	p.Do(t, "GET", "/api/users/profile/export", nil).Problem(t, 404, "no-export")
	p.Do(t, "GET", "/api/users/profile/export/archive", nil).Problem(t, 404, "no-export")
	var e, again users.Export
	p.Do(t, "POST", "/api/users/profile/export", nil).Expect(t, 202).Decode(t, &e)
	p.Do(t, "POST", "/api/users/profile/export", nil).Expect(t, 202).Decode(t, &again)
	if e.State != store.ExportQueued || e.ID != again.ID || !e.ExpiresAt.After(e.CreatedAt) {
		t.Errorf("asked for: %+v, then %+v", e, again)
	}
	p.Do(t, "GET", "/api/users/profile/export/archive", nil).Problem(t, 404, "export-pending")
	for range 2 { // a job may run twice
		if err := s.Archivist().Make(t.Context(), store.MakeExport{
			ID: e.ID, UserID: p.ID,
		}); err != nil {
			t.Fatal(err)
		}
	}
	p.Do(t, "GET", "/api/users/profile/export", nil).Expect(t, 200).Decode(t, &e)
	a := p.Do(t, "GET", "/api/users/profile/export/archive", nil).Expect(t, 200)
	if e.State != store.ExportReady || e.Progress != 1 || e.Bytes != int64(len(a.Data)) ||
		a.Header.Get("Content-Type") != "application/zip" {
		t.Errorf("made: %+v of %d bytes as %s", e, len(a.Data), a.Header.Get("Content-Type"))
	}
	z, err := zip.NewReader(bytes.NewReader(a.Data), int64(len(a.Data)))
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
			t.Errorf("%s is not JSON: %s", f.Name, b)
		}
	}
	for name, holds := range map[string]string{
		"README.txt":            "OET",
		"account/users.json":    p.Email,
		"account/factors.json":  "confirmed_at",
		"account/sessions.json": "127.0.0.1",
		"account/attempts.json": attempt,

		"reports/" + attempt + ".json":             `"speakers"`,
		"recordings/" + attempt + "/candidate.ogg": "",
	} {
		if got, ok := files[name]; !ok || name != "README.txt" && !strings.Contains(got, holds) {
			t.Errorf("%s: %v, %.200s", name, ok, got)
		}
	}
	for name, text := range files {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s contains a secret", name)
			}
		}
	}
	// Only the owner can download it, for a week.
	tutor.Do(t, "GET", "/api/users/profile/export/archive", nil).Problem(t, 404, "no-export")
	s.Exec(t, `UPDATE exports SET expires_at = now() - interval '1 second' WHERE id = $1`, e.ID)
	p.Do(t, "GET", "/api/users/profile/export", nil).Problem(t, 404, "no-export")
}

func TestFailedExportIsRetried(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	var e users.Export
	p.Do(t, "POST", "/api/users/profile/export", nil).Expect(t, 202).Decode(t, &e)
	broken := s.Archivist()
	broken.Tables = append(broken.Tables, archive.Table{
		Name: "broken",
		Rows: func(context.Context, string) ([]string, error) { return nil, store.ErrUnavailable },
	})
	if err := broken.Make(t.Context(), store.MakeExport{ID: e.ID, UserID: p.ID}); err == nil {
		t.Error("no error")
	}
	p.Do(t, "GET", "/api/users/profile/export", nil).Expect(t, 200).Decode(t, &e)
	if e.State != store.ExportFailed {
		t.Errorf("state %s", e.State)
	}
	if err := s.Archivist().Make(t.Context(), store.MakeExport{
		ID: e.ID, UserID: p.ID,
	}); err != nil {
		t.Error("the next try:", err)
	}
}

func TestDeleteAccount(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.Register(t, apitest.NewEmail())
	id, other := p.SessionID(t), p.NewDevice(t, apitest.Firefox)
	s.Forward(11 * time.Minute)
	p.RenewTokens(t)
	p.Do(t, "DELETE", "/api/users/profile", nil).Problem(t, 403, "reauthentication-required")
	p.Do(t, "POST", "/api/users/profile/export", nil).Problem(t, 403, "reauthentication-required")
	p.Reauthenticate(t)
	p.Do(t, "DELETE", "/api/users/profile", nil).Expect(t, 204)
	if !s.HasEnded(id) {
		t.Error("the end of the session was not announced")
	}
	p.Do(t, "GET", "/api/scenarios", nil).Problem(t, 401, "unauthenticated")
	for _, d := range []*apitest.Client{p, other} {
		d.SendRefresh(t).Problem(t, 401, "session-ended")
	}
	p.Login(t, p.Email, apitest.Password).Problem(t, 401, "wrong-credentials")
	s.Mail.Await(t, p.Email, "Your account was deleted")
	s.Register(t, p.Email) // the address is free again
}
