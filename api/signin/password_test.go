package signin_test

import (
	"strings"
	"testing"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/auth"
	"bedside/store"
)

func TestWrongCredentialsAreRefused(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	for _, body := range []map[string]any{
		{"email": p.Email, "password": apitest.Password + "x"},
		{"email": p.Email, "password": ""},
		{"email": p.Email, "password": apitest.Password + strings.Repeat("x", 200)},
		{"email": "nobody@example.org", "password": apitest.Password},
		{"email": "", "password": "nobody has this password"},
	} {
		s.NewClient(t).Do(t, "POST", "/auth/login", body).Problem(t, 401, "wrong-credentials")
	}
}

func TestWrongPasswordsAndRefreshesAreLimited(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.Limits = auth.Limits{
			RegisterPerIP: 1, LoginPerIP: 20, LoginPerAccount: 3, RefreshPerIP: 2,
		}
	})
	p, other := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	for range 5 {
		p.SignIn(t) // right passwords do not count
	}
	wrong := map[string]any{"email": p.Email, "password": "wrong password"}
	for range 3 {
		p.Do(t, "POST", "/auth/login", wrong).Expect(t, 401)
	}
	a := p.Do(t, "POST", "/auth/login", wrong)
	a.Problem(t, 429, "limit")
	if a.Header.Get("Retry-After") == "" {
		t.Error("Retry-After is missing")
	}
	other.SignIn(t)
	for range 2 {
		p.SendRefresh(t).Expect(t, 200)
	}
	p.SendRefresh(t).Problem(t, 429, "limit")
}
