package signin_test

import (
	"strings"
	"testing"
	"time"

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
	again := s.NewClient(t).Do(t, "POST", "/auth/register", body).Expect(t, 202)
	if string(first.Data) != string(again.Data) ||
		string(first.Data) != `{"email":"dana.k+1@example.org","status":"check_mail"}`+"\n" {
		t.Errorf("the answers reveal whether there is an account: %s, %s", first.Data, again.Data)
	}
	for name := range first.Header {
		if name != "X-Request-Id" && name != "Date" && name != "Set-Cookie" &&
			first.Header.Get(name) != again.Header.Get(name) {
			t.Errorf("header %s reveals whether there is an account", name)
		}
	}
	if len(first.Header.Get("Set-Cookie")) != len(again.Header.Get("Set-Cookie")) {
		t.Error("the cookie reveals whether there is an account")
	}
	p.Access = g.AccessToken
	var me httpx.User
	for _, path := range []string{"/api/users/profile", "/api/v1/users/profile"} {
		p.Do(t, "GET", path, nil).Expect(t, 200).Decode(t, &me)
		if me != g.User {
			t.Errorf("profile %+v", me)
		}
	}
}

// TestSigningInHidesWhetherAnAddressWasFree registers with a taken and with a free address, and
// tries the password in several places. Every answer is the same.
func TestSigningInHidesWhetherAnAddressWasFree(t *testing.T) {
	s := guessServer(t)
	const registered = "seven green lanterns"
	owner := s.NewUser(t, store.RoleCandidate)
	taken, free := strings.ToLower(owner.Email), apitest.NewEmail()
	for _, email := range []string{taken, free} {
		c := s.NewClient(t)
		c.Do(t, "POST", "/auth/register", map[string]any{
			"email": email, "password": registered, "name": "Dana",
		}, "X-Forwarded-For", "203.0.113.1").Expect(t, 202)
		// The device that has registered practises at once, wherever it goes, and so does its
		// network.
		var g signin.Grant
		loginFrom(t, c, "203.0.113.2", email, registered).Expect(t, 200).Decode(t, &g)
		if g.User.Email != email || g.User.EmailVerified || g.User.ID == owner.ID {
			t.Errorf("%s: signed in as %+v", email, g.User)
		}
		loginFrom(t, s.NewClient(t), "203.0.113.1", email, registered).Expect(t, 200)
		// Elsewhere nobody does.
		loginFrom(t, s.NewClient(t), "192.0.2.9", email, registered).
			Problem(t, 401, "wrong-credentials")
		c.Access = g.AccessToken
		c.Do(t, "POST", "/auth/resend-verification", nil).Expect(t, 202)
	}
	// The mail tells the reader.
	s.Mail.Await(t, taken, "already have an account")
	token := s.Mail.Await(t, free, "Confirm your e-mail address").Token(t, "/verify-email")
	for _, m := range s.Mail.All(t, taken) {
		if strings.Contains(m.Text, "/verify-email") {
			t.Error("a link was mailed that would take the owner's address over")
		}
	}
	s.NewClient(t).Do(t, "POST", "/auth/verify-email", map[string]any{"token": token}).
		Expect(t, 200)
	loginFrom(t, s.NewClient(t), "192.0.2.9", free, registered).Expect(t, 200)
	// The owner's account is as it was.
	owner.Login(t, owner.Email, apitest.Password).Expect(t, 200)
	if got := owner.Profile(t); got.ID != owner.ID || !got.EmailVerified {
		t.Errorf("the owner's account: %+v", got)
	}
}

// TestPendingAccountsAreSwept deletes what was never confirmed, and nothing else.
func TestPendingAccountsAreSwept(t *testing.T) {
	s := apitest.NewServer(t)
	p, confirmed := s.Register(t, apitest.NewEmail()), s.Register(t, apitest.NewEmail())
	confirmed.Confirm(t)
	for n := 1; n > 0; {
		var err error
		if n, err = s.DB.SweepPending(t.Context(), s.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	p.Do(t, "GET", "/api/users/profile", nil).Expect(t, 401)
	p.Login(t, p.Email, apitest.Password).Problem(t, 401, "wrong-credentials")
	confirmed.SignIn(t)
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
