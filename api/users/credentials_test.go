package users_test

import (
	"strings"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/store"
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
	s.Forward(11 * time.Minute)
	p.RenewTokens(t)
	change().Problem(t, 403, "reauthentication-required")
	p.Do(t, "POST", "/auth/reauthenticate", map[string]any{
		"password": "wrong",
	}).Problem(t, 403, "wrong-credentials")
	change().Problem(t, 403, "reauthentication-required")
	p.Reauthenticate(t)
	change().Expect(t, 204)
	p.Profile(t) // this device stays signed in
	tablet.Access = ""
	tablet.SendRefresh(t).Problem(t, 401, "session-ended")
	s.Mail.Await(t, strings.ToLower(p.Email), "password was changed")
	p.Login(t, p.Email, fresh).Expect(t, 200)
	p.CheckAuditTrail(t,
		"user.reauthenticate refused", "user.reauthenticate done", "user.change_password done")
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

	// Somebody who registers with the address in the meantime keeps it.
	contested := apitest.NewEmail()
	change(contested)
	token = s.Mail.Await(t, contested, "Confirm your new e-mail address").Token(t, "/verify-email")
	s.Register(t, contested)
	verify(token).Problem(t, 422, "link-expired")
}
