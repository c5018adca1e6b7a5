package users_test

import (
	"bedside/api/apitest"
	"bedside/api/signin"
	"bedside/store"
	"strings"
	"testing"
	"time"
)

func TestPasswordChange(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	tablet := s.NewClient(t)
	tablet.Email = p.Email
	tablet.SignIn(t)
	const fresh = "gr8-tram-window"
	change := func() apitest.Response {
		return p.Do(t, "POST", "/api/users/profile/password", map[string]any{"password": fresh})
	}
	renew := func() {
		t.Helper()
		var g signin.Grant
		p.Do(t, "POST", "/auth/refresh", map[string]any{
			"refresh_token": p.Refresh,
		}).Expect(t, 200).Decode(t, &g)
		p.Access, p.Refresh = g.AccessToken, g.RefreshToken
	}
	s.Forward(11 * time.Minute)
	renew()
	change().Problem(t, 403, "reauthentication-required")
	p.Do(t, "POST", "/auth/reauthenticate", map[string]any{
		"password": "wrong",
	}).Problem(t, 403, "wrong-credentials")
	change().Problem(t, 403, "reauthentication-required")
	p.Do(t, "POST", "/auth/reauthenticate", map[string]any{"password": apitest.Password}).
		Expect(t, 204)
	change().Expect(t, 204)
	p.Profile(t) // this device stays
	tablet.Access = ""
	tablet.Do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": tablet.Refresh,
	}).Problem(t, 401, "session-ended")
	s.Mail.Await(t, strings.ToLower(p.Email), "password was changed")
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": p.Email, "password": fresh,
	}).Expect(t, 200)
	if acts := p.AuditTrail(t); !apitest.ContainsInOrder(acts, "user.reauthenticate refused",
		"user.reauthenticate done", "user.change_password done") {
		t.Errorf("trail %v", acts)
	}
}

func TestEmailChange(t *testing.T) {
	s := apitest.NewServer(t)
	old, fresh := apitest.NewEmail(), apitest.NewEmail()
	p, other := s.Register(t, old), s.Register(t, apitest.NewEmail())
	change := func(email string) apitest.Response {
		return p.Do(t, "POST", "/api/users/profile/email", map[string]any{
			"email": email,
		}).Expect(t, 202)
	}
	taken, free := change(other.Email), change(fresh)
	if strings.ReplaceAll(string(taken.Data), other.Email,
		"x") != strings.ReplaceAll(string(free.Data), fresh, "x") {
		t.Errorf("%s and %s tell them apart", taken.Data, free.Data)
	}
	s.Mail.Await(t, other.Email, "already have an account")
	token := s.Mail.Await(t, fresh, "Confirm your new e-mail address").Token(t, "/verify-email")
	if got := p.Profile(t).Email; got != old {
		t.Errorf("the address is %s before it is confirmed", got)
	}
	s.NewClient(t).
		Do(t, "POST", "/auth/verify-email", map[string]any{"token": token}).
		Expect(t, 200)
	if me := p.Profile(t); me.Email != fresh || !me.EmailVerified {
		t.Errorf("profile %+v", me)
	}
	told := s.Mail.Await(t, old, "address was changed")
	if !strings.Contains(told.Text, fresh) {
		t.Errorf("letter %s", told.Text)
	}
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": old, "password": apitest.Password,
	}).Expect(t, 401)
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": fresh, "password": apitest.Password,
	}).Expect(t, 200)

	// Somebody who registers with the address in the meantime keeps it.
	contested := apitest.NewEmail()
	change(contested)
	token = s.Mail.Await(t, contested, "Confirm your new e-mail address").Token(t, "/verify-email")
	s.Register(t, contested)
	s.NewClient(t).Do(t, "POST", "/auth/verify-email", map[string]any{
		"token": token,
	}).Problem(t, 422, "link-expired")
}
