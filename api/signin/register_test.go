package signin_test

import (
	"strings"
	"testing"

	"bedside/api/apitest"
	"bedside/api/httpx"
	"bedside/api/signin"
	"bedside/store"
)

func TestRegistrationHidesExistingAccounts(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewClient(t)
	body := map[string]any{
		"email": " Dana.K+1@Example.ORG ", "password": apitest.Password, "name": " Dana Kovač ",
		"profession": "nursing",
	}
	first := p.Do(t, "POST", "/auth/register", body).Expect(t, 202)
	var g signin.Grant
	p.Login(t, "DANA.K+1@example.org", apitest.Password).Expect(t, 200).Decode(t, &g)
	if g.User.Email != "dana.k+1@example.org" || g.User.Name != "Dana Kovač" ||
		g.User.Role != store.RoleCandidate || g.User.EmailVerified || g.RefreshToken == "" ||
		g.ExpiresIn != 600 || g.TokenType != "Bearer" {
		t.Errorf("grant %+v", g)
	}
	body["password"], body["name"] = "seven green lanterns", "Somebody else"
	again := p.Do(t, "POST", "/auth/register", body).Expect(t, 202)
	if string(first.Data) != string(again.Data) ||
		string(first.Data) != `{"email":"dana.k+1@example.org","status":"check_mail"}`+"\n" {
		t.Errorf("the answers reveal whether there is an account: %s, %s", first.Data, again.Data)
	}
	for name := range first.Header {
		if name != "X-Request-Id" && name != "Date" &&
			first.Header.Get(name) != again.Header.Get(name) {
			t.Errorf("header %s reveals whether there is an account", name)
		}
	}
	p.Login(t, "dana.k+1@example.org", "seven green lanterns").Problem(t, 401, "wrong-credentials")
	p.Access = g.AccessToken
	var me httpx.User
	for _, path := range []string{"/api/users/profile", "/api/v1/users/profile"} {
		p.Do(t, "GET", path, nil).Expect(t, 200).Decode(t, &me)
		if me != g.User {
			t.Errorf("profile %+v", me)
		}
	}
}

func TestInvalidRegistrationsAreRefused(t *testing.T) {
	s := apitest.NewServer(t)
	good := func() map[string]any {
		return map[string]any{
			"email": "new@example.org", "password": apitest.Password, "name": "New",
		}
	}
	for field, values := range map[string][]any{
		"email": {
			"", "nobody", "a@b", "Dana <dana@example.org>", "a b@example.org",
			strings.Repeat("a", 250) + "@example.org", 7, nil,
			"x@example.org\r\nBcc: y@example.org",
		},
		"password": {
			"", "short", strings.Repeat("p", 73), strings.Repeat("ü", 40), 12345678, nil,
		},
		"name":       {"", "   ", "a\x00b", "line\nbreak", strings.Repeat("n", 121), nil},
		"profession": {"astrology", 1},
		"role":       {"admin"},
		"refresh_in": {"url"},
	} {
		for _, v := range values {
			body := good()
			body[field] = v
			a := s.NewClient(t).Do(t, "POST", "/auth/register", body)
			p := a.Problem(t, 422, "invalid")
			if len(p.Errors) == 0 {
				t.Errorf("%s %q: no field is named: %s", field, v, a.Data)
			}
			if text, ok := v.(string); ok && len(text) > 4 && field == "password" &&
				strings.Contains(string(a.Data), text) {
				t.Errorf("the rejected password is in the answer: %s", a.Data)
			}
		}
	}
	if strings.Contains(s.Log.String(), apitest.Password) {
		t.Error("a password is in the log")
	}
}

func TestCommonPasswordsAreRefused(t *testing.T) {
	s := apitest.NewServer(t)
	for _, p := range []string{
		"password", "12345678", "Password123", "qwertyuiop", "dana.common",
	} {
		a := s.NewClient(t).Do(t, "POST", "/auth/register", map[string]any{
			"email": "dana.common@example.org", "password": p, "name": "Dana",
		})
		if got := a.Problem(t, 422, "common-password"); len(got.Errors) != 1 ||
			got.Errors[0].Location != "body.password" {
			t.Errorf("%s: %+v", p, got)
		}
	}
}

// TestTextsThatPostgreSQLRefuses sends a zero byte and invalid UTF-8.
func TestTextsThatPostgreSQLRefuses(t *testing.T) {
	s := apitest.NewServer(t)
	s.NewClient(t).Login(t, "a\x00@example.org", apitest.Password).Problem(t, 422, "invalid")
	p := s.Register(t, apitest.NewEmail())
	s.NewClient(t).Do(t, "POST", "/auth/login",
		map[string]any{"email": p.Email, "password": apitest.Password}, "User-Agent",
		"Telefon \xfcber "+strings.Repeat("ü", 300)).Expect(t, 200)
}
