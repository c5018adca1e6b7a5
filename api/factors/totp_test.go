package factors_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/store"
)

func TestFactorChangesNeedAProof(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.Register(t, apitest.NewEmail())
	s.Forward(11 * time.Minute)
	p.RenewTokens(t)
	for _, path := range []string{
		"POST /totp", "POST /totp/confirm", "DELETE /totp", "POST /recovery-codes",
	} {
		method, path, _ := strings.Cut(path, " ")
		var body any
		if strings.HasSuffix(path, "confirm") {
			body = map[string]any{"code": "123456"}
		}
		p.Do(t, method, "/api/users/profile/factors"+path, body).
			Problem(t, 403, "reauthentication-required")
	}
	p.Reauthenticate(t)
	p.AddAuthenticator(t)
}

// TestTOTPSecretIsSealedInTheDatabase reads the row as a thief of the database would.
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
		t.Errorf("stored as %s", b)
	}
	if _, err := s.DB.Factor(t.Context(), "x"); err == nil {
		t.Error("there is a factor without a user")
	}
	if s.NewUser(t, store.RoleTutor).Factors(t).TOTP.Enabled {
		t.Error("another user has the factor")
	}
}
