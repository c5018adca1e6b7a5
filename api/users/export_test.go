package users_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/archive"
	"bedside/api/media"
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
	files := unzip(t, a.Data)
	for name, text := range files {
		if strings.HasSuffix(name, ".json") && !json.Valid([]byte(text)) {
			t.Errorf("%s is not JSON: %s", name, text)
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

// TestExportHasUploadedFiles makes the archive of a tutor who has uploaded a picture of each kind
// and a line.
func TestExportHasUploadedFiles(t *testing.T) {
	s := apitest.NewServer(t)
	tutor, other := s.NewUser(t, store.RoleTutor), s.NewUser(t, store.RoleTutor)
	upload := func(c *apitest.Client, kind store.MediaKind, seed byte) string {
		var m media.Media
		c.Upload(t, "x.jpg", apitest.Photo(t, 700, 700, seed), "kind", string(kind)).
			Expect(t, 201).Decode(t, &m)
		return m.ID
	}
	largest := func(id string) string {
		m, err := s.DB.Media(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		f, _ := m.File(store.MediaLarge)
		r, err := s.Blobs.Open(t.Context(), f.Key)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || len(b) == 0 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		return string(b)
	}
	portrait, scene := upload(tutor, store.MediaAvatar, 1), upload(tutor, store.MediaScenario, 2)
	upload(other, store.MediaAvatar, 3)
	upload(other, store.MediaScenario, 4)
	line := newLine(t, s, tutor.ID, "a recorded line")
	want := map[string]string{
		"pictures/" + portrait + ".jpg": largest(portrait),
		"pictures/" + scene + ".jpg":    largest(scene),
		"lines/" + line + ".ogg":        "a recorded line",
	}
	var e users.Export
	tutor.Do(t, "POST", "/api/users/profile/export", nil).Expect(t, 202).Decode(t, &e)
	if err := s.Archivist().Make(t.Context(), store.MakeExport{
		ID: e.ID, UserID: tutor.ID,
	}); err != nil {
		t.Fatal(err)
	}
	files := unzip(t, tutor.Do(t, "GET", "/api/users/profile/export/archive", nil).
		Expect(t, 200).Data)
	for name, text := range files {
		folder, _, _ := strings.Cut(name, "/")
		if _, ok := want[name]; !ok && (folder == "pictures" || folder == "lines") {
			t.Errorf("contains %s, of %d bytes", name, len(text))
		}
	}
	for name, text := range want {
		if got, ok := files[name]; !ok || got != text {
			t.Errorf("%s: %v, %d bytes, want %d", name, ok, len(got), len(text))
		}
		if folder, _, _ := strings.Cut(name, "/"); !strings.Contains(files["README.txt"],
			folder+"/ ") {
			t.Errorf("the readme does not mention %s", folder)
		}
	}
}

// newLine saves a line of a user and returns its id. The server of these tests encodes none.
func newLine(t *testing.T, s *apitest.Server, owner, content string) string {
	t.Helper()
	f := store.MediaFile{
		Size: store.MediaLarge, Key: store.MediaKey(sha256.Sum256([]byte(content)), "ogg"),
		Type: "audio/ogg", Bytes: int64(len(content)),
	}
	if err := s.DB.ReserveMediaFiles(t.Context(), []string{f.Key}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Blobs.Put(t.Context(), f.Key, strings.NewReader(content),
		f.Type); err != nil {
		t.Fatal(err)
	}
	m, err := s.DB.CreateMedia(t.Context(), store.Media{
		OwnerID: owner, Kind: store.MediaLine, Files: []store.MediaFile{f},
	}, store.MediaQuota{Files: 10, Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// unzip returns the files of an archive by their names.
func unzip(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
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
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(b)
	}
	return files
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
