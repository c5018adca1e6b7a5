package users_test

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/auth"
	"bedside/store"
)

func TestPasswordChange(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	tablet := s.NewClient(t)
	tablet.Email = p.Email
	tablet.SignIn(t)
	const fresh = "gr8-tram-window"
	change := func(proof map[string]any) apitest.Response {
		body := map[string]any{"password": fresh}
		maps.Copy(body, proof)
		return p.Do(t, "POST", "/api/users/profile/password", body)
	}
	// A session that has just signed in is not enough.
	if got := change(nil).Problem(t, 422, "invalid"); len(got.Errors) != 1 ||
		got.Errors[0].Location != "body.current_password" {
		t.Errorf("without a proof: %+v", got)
	}
	change(map[string]any{"current_password": "wrong"}).Problem(t, 403, "wrong-credentials")
	change(map[string]any{"code": "123456"}).Problem(t, 403, "wrong-code")
	p.Login(t, p.Email, apitest.Password).Expect(t, 200) // nothing has changed
	change(map[string]any{"current_password": apitest.Password}).Expect(t, 204)
	p.Profile(t) // this device stays signed in
	tablet.Access = ""
	tablet.SendRefresh(t).Problem(t, 401, "session-ended")
	s.Mail.Await(t, strings.ToLower(p.Email), "password was changed")
	p.Login(t, p.Email, fresh).Expect(t, 200)
	p.CheckAuditTrail(t, "user.reauthenticate refused", "user.reauthenticate refused",
		"user.reauthenticate done", "user.change_password done")
}

// TestPasswordChangeWithSecondFactors uses a code of the app, a recovery code and a passkey in
// place of the current password. Each code works once.
func TestPasswordChangeWithSecondFactors(t *testing.T) {
	s := apitest.NewServer(t, apitest.PublicURL(apitest.PasskeyOrigin))
	p := s.NewUser(t, store.RoleCandidate)
	change := func(fresh string, proof map[string]any) apitest.Response {
		proof["password"] = fresh
		return p.Do(t, "POST", "/api/users/profile/password", proof)
	}
	app, recovery := p.AddAuthenticator(t)
	s.Forward(30 * time.Second)
	code := app.Code(s.Now())
	change("gr8-tram-window", map[string]any{"code": code}).Expect(t, 204)
	change("blue-lamp-forest", map[string]any{"code": code}).Problem(t, 403, "wrong-code")
	change("blue-lamp-forest", map[string]any{"code": recovery[0]}).Expect(t, 204)
	change("tall-green-kettle", map[string]any{"code": recovery[0]}).
		Problem(t, 403, "wrong-code")

	phone := apitest.NewPhone(t, p.ID, apitest.PasskeyOrigin)
	add := p.Question(t, apitest.BeginPasskeyPath)
	p.Do(t, "POST", apitest.PasskeysPath, map[string]any{
		"ticket": add.Ticket, "name": "Phone", "credential": phone.Create(t, add),
	}).Expect(t, 201)
	phone.Authenticator.AddCredential(phone.Key)
	prove := func(c *apitest.Client) map[string]any {
		q := c.Question(t, apitest.BeginPasskeySignInPath)
		return map[string]any{"passkey": map[string]any{
			"ticket": q.Ticket, "credential": phone.SignIn(t, q),
		}}
	}
	proof := prove(p)
	change("tall-green-kettle", proof).Expect(t, 204)
	change("seven-dry-lemons", proof).Problem(t, 401, "sign-in-expired")
	other := s.NewUser(t, store.RoleCandidate)
	body := prove(other)
	body["password"] = "seven-dry-lemons"
	other.Do(t, "POST", "/api/users/profile/password", body).Problem(t, 403, "wrong-passkey")
	p.Login(t, p.Email, "tall-green-kettle").Expect(t, 202)
}

// TestPasswordGuessesInASessionAreBounded guesses the current password with a stolen session.
func TestPasswordGuessesInASessionAreBounded(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.Limits = auth.DefaultLimits()
		c.Limits.LoginPerAccount = 4
	})
	p := s.NewUser(t, store.RoleCandidate)
	guess := map[string]any{"password": "gr8-tram-window", "current_password": "wrong"}
	var compared atomic.Int32
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			a := p.Do(t, "POST", "/api/users/profile/password", guess)
			if a.StatusCode == 403 {
				compared.Add(1)
			}
		})
	}
	all.Wait()
	if n := compared.Load(); n != 4 {
		t.Errorf("%d guesses were compared, want 4", n)
	}
	tablet := s.NewClient(t)
	tablet.Email = p.Email
	tablet.SignIn(t)
	tablet.Do(t, "POST", "/api/users/profile/password", map[string]any{
		"password": "gr8-tram-window", "current_password": apitest.Password,
	}).Expect(t, 204)
}

func TestEmailChange(t *testing.T) {
	s := apitest.NewServer(t)
	old, fresh := apitest.NewEmail(), apitest.NewEmail()
	p, other := s.Register(t, old), s.Register(t, apitest.NewEmail())
	p.Do(t, "POST", "/api/users/profile/email", map[string]any{"email": fresh}).
		Problem(t, 403, "address-unconfirmed")
	p.Confirm(t)
	other.Confirm(t)
	change := func(email string) apitest.Response {
		return p.Do(t, "POST", "/api/users/profile/email", map[string]any{
			"email": email,
		}).Expect(t, 202)
	}
	taken, free := change(other.Email), change(fresh)
	forTaken, forFree := strings.ReplaceAll(string(taken.Data), other.Email, "x"),
		strings.ReplaceAll(string(free.Data), fresh, "x")
	if forTaken != forFree {
		t.Errorf("the answers differ: %s and %s", taken.Data, free.Data)
	}
	s.Mail.Await(t, other.Email, "already have an account")
	token := s.Mail.Await(t, fresh, "Confirm your new e-mail address").Token(t, "/verify-email")
	if got := p.Profile(t).Email; got != old {
		t.Errorf("the address is %s before it is confirmed", got)
	}
	verify := func(token string) apitest.Response {
		return s.NewClient(t).Do(t, "POST", "/auth/verify-email", map[string]any{"token": token})
	}
	verify(token).Expect(t, 200)
	if me := p.Profile(t); me.Email != fresh || !me.EmailVerified {
		t.Errorf("profile %+v", me)
	}
	notice := s.Mail.Await(t, old, "address was changed")
	if !strings.Contains(notice.Text, fresh) {
		t.Errorf("mail %s", notice.Text)
	}
	p.Login(t, old, apitest.Password).Expect(t, 401)
	p.Login(t, fresh, apitest.Password).Expect(t, 200)

	// Somebody who registers with the address and confirms it in the meantime keeps it.
	contested := apitest.NewEmail()
	change(contested)
	token = s.Mail.Await(t, contested, "Confirm your new e-mail address").Token(t, "/verify-email")
	s.Register(t, contested).Confirm(t)
	verify(token).Problem(t, 422, "link-expired")
}
