package factors_test

import (
	"bedside/api/apitest"
	"bedside/api/signin"
	"bedside/store"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestFactorChangesNeedAProof(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.Register(t, apitest.NewEmail())
	s.Forward(11 * time.Minute)
	var g signin.Grant
	p.Do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": p.Refresh,
	}).Expect(t, 200).Decode(t, &g)
	p.Access = g.AccessToken
	for _, path := range []string{
		"POST /totp", "POST /totp/confirm", "DELETE /totp", "POST /recovery-codes",
	} {
		method, path, _ := strings.Cut(path, " ")
		var body any
		if strings.HasSuffix(path, "confirm") {
			body = map[string]any{"code": "123456"}
		}
		p.Do(t, method, "/api/users/profile/factors"+path,
			body).Problem(t, 403, "reauthentication-required")
	}
	p.Do(t, "POST", "/auth/reauthenticate", map[string]any{"password": apitest.Password}).
		Expect(t, 204)
	p.AddAuthenticator(t)
}

// TestTOTPSecretIsSealedInTheDatabase reads the table as a thief would.
func TestTOTPSecretIsSealedInTheDatabase(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.Register(t, apitest.NewEmail())
	a, codes := p.AddAuthenticator(t)
	f, err := s.DB.Factor(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(f.Secret), string(a.Secret)) ||
		strings.Contains(string(b), codes[0]) || len(f.Recovery) != 10 {
		t.Errorf("kept as %s", b)
	}
	if _, err := s.DB.Factor(t.Context(), "x"); err == nil {
		t.Error("a factor of nobody's")
	}
	if s.NewUser(t, store.RoleTutor).Factors(t).TOTP.Enabled {
		t.Error("a factor of somebody else's")
	}
}
