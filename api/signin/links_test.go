package signin_test

import (
	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/signin"
	"strings"
	"testing"
	"time"
)

func TestVerifyEmail(t *testing.T) {
	s := apitest.NewServer(t)
	email := apitest.NewEmail()
	p := s.Register(t, email)
	letter := s.Mail.Await(t, email, "Confirm your e-mail address")
	if strings.Contains(letter.Text, "Dana") ||
		letter.Header.Get("Auto-Submitted") != "auto-generated" ||
		!strings.Contains(letter.From, "bedside@example.org") {
		t.Errorf("letter %+v", letter)
	}
	verify := func(token string) apitest.Response {
		return s.NewClient(t).Do(t, "POST", "/auth/verify-email", map[string]any{"token": token})
	}
	for _, bad := range []string{"x", strings.Repeat("A", 43), strings.Repeat("é", 50)} {
		verify(bad).Problem(t, 422, "link-expired")
	}
	token := letter.Token(t, "/verify-email")
	s.NewClient(t).Do(t, "POST", "/auth/reset-password", map[string]any{
		"token": token, "password": "gr8-tram-window",
	}).Problem(t, 422, "link-expired")

	p.Do(t, "POST", "/auth/resend-verification", nil).Expect(t, 202)
	second := s.Mail.Await(t, email, "Confirm").Token(t, "/verify-email")
	var got signin.Verified
	verify(second).Expect(t, 200).Decode(t, &got)
	if got.Email != email || !p.Profile(t).EmailVerified {
		t.Errorf("verified %+v", got)
	}
	verify(second).Problem(t, 422, "link-expired")
	verify(token).Problem(t, 422, "link-expired")
	p.Do(t, "POST", "/auth/resend-verification", nil).Expect(t, 202)

	s.NewClient(t).Do(t, "POST", "/auth/register", map[string]any{
		"email": email, "password": "gr8-tram-window", "name": "Mallory",
	}).Expect(t, 202)
	told := s.Mail.Await(t, email, "already have an account")
	if !strings.Contains(told.Text, apitest.SiteURL+"/sign-in") ||
		!strings.Contains(told.Text, "Hello Dana,") || strings.Contains(told.Text, "Mallory") {
		t.Errorf("letter %s", told.Text)
	}
	if left := s.Mail.All(t, email); len(left) != 0 {
		t.Errorf("further letters: %+v", left)
	}
	if acts := p.AuditTrail(
		t,
	); !apitest.ContainsInOrder(
		acts,
		"user.register done",
		"session.start done",
		"user.verify_email done",
		"user.register refused",
	) {
		t.Errorf("trail %v", acts)
	}

	late := s.Register(t, apitest.NewEmail())
	token = s.Mail.Await(t, late.Email, "Confirm").Token(t, "/verify-email")
	s.Forward(25 * time.Hour)
	verify(token).Problem(t, 422, "link-expired")
}

func TestResetPassword(t *testing.T) {
	s := apitest.NewServer(t)
	email, unknown := apitest.NewEmail(), apitest.NewEmail()
	p, other := s.Register(t, email), s.Register(t, apitest.NewEmail())
	laptop := s.NewClient(t)
	laptop.Email = email
	laptop.SignIn(t)
	forgot := func(email string) apitest.Response {
		return s.NewClient(t).Do(t, "POST", "/auth/forgot-password", map[string]any{
			"email": email,
		}).Expect(t, 202)
	}
	a, b := forgot(email), forgot(unknown)
	if strings.ReplaceAll(string(a.Data), email, "x") != strings.ReplaceAll(string(b.Data),
		unknown, "x") {
		t.Errorf("%s and %s tell them apart", a.Data, b.Data)
	}
	letter := s.Mail.Await(t, email, "Choose a new password")
	token := letter.Token(t, "/reset-password")
	if !strings.Contains(letter.Text, "From: 127.0.0.1") {
		t.Errorf("letter %s", letter.Text)
	}
	if got := s.Mail.All(t, unknown); len(got) != 0 {
		t.Errorf("somebody without an account got %+v", got)
	}
	const fresh = "gr8-tram-window"
	reset := func(token, password string) apitest.Response {
		return s.NewClient(t).Do(t, "POST", "/auth/reset-password", map[string]any{
			"token": token, "password": password,
		})
	}
	reset(token, "password1").Problem(t, 422, "common-password")
	reset(token, email).Problem(t, 422, "common-password")
	reset(token, "short").Problem(t, 422, "invalid")
	reset(token, fresh).Expect(t, 204)
	reset(token, fresh).Problem(t, 422, "link-expired")

	for _, device := range []*apitest.Client{p, laptop} {
		device.Do(t, "GET", "/api/users/profile", nil).Problem(t, 401, "unauthenticated")
		device.Do(t, "POST", "/auth/refresh", map[string]any{
			"refresh_token": device.Refresh,
		}).Problem(t, 401, "session-ended")
	}
	other.Profile(t)
	if len(s.EndedSessions()) != 2 {
		t.Errorf("told of %d ended sessions", len(s.EndedSessions()))
	}
	s.Mail.Await(t, email, "password was changed")
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": email, "password": apitest.Password,
	}).Problem(t, 401, "wrong-credentials")
	var g signin.Grant
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": email, "password": fresh,
	}).Expect(t, 200).Decode(t, &g)
	p.Access = g.AccessToken
	if !p.Profile(t).EmailVerified {
		t.Error("the mail was read, and yet the address is not verified")
	}
	if acts := p.AuditTrail(
		t,
	); !apitest.ContainsInOrder(
		acts,
		"user.forgot_password done",
		"user.reset_password done",
		"session.start refused",
		"session.start done",
	) {
		t.Errorf("trail %v", acts)
	}

	forgot(email)
	late := s.Mail.Await(t, email, "Choose a new password").Token(t, "/reset-password")
	s.Forward(11 * time.Minute)
	reset(late, fresh).Problem(t, 422, "link-expired")
	log := s.Log.String()
	for _, secret := range []string{token, late, fresh, apitest.Password} {
		if strings.Contains(log, secret) {
			t.Error("a secret is in the log")
		}
	}
}

func TestMailsToAnAddressAreLimited(t *testing.T) {
	s := apitest.NewServer(t)
	email := apitest.NewEmail()
	s.Register(t, email)
	for range 10 {
		s.NewClient(t).Do(t, "POST", "/auth/forgot-password", map[string]any{
			"email": email,
		}).Expect(t, 202)
	}
	// the one of the registration is of another kind
	if got := s.Mail.All(t, email); len(got) != 1+5 {
		t.Errorf("%d letters came", len(got))
	}
}

// TestMailLimitIsPerKind has a stranger use up the letters of a registration.
func TestMailLimitIsPerKind(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.Register(t, apitest.NewEmail())
	for range 8 {
		s.NewClient(t).Do(t, "POST", "/auth/register", map[string]any{
			"email": p.Email, "password": apitest.Password, "name": "Somebody",
		}).Expect(t, 202)
	}
	s.NewClient(t).Do(t, "POST", "/auth/forgot-password", map[string]any{
		"email": p.Email,
	}).Expect(t, 202)
	s.Mail.Await(t, p.Email, "Choose a new password")
}

func TestMailIsRetriedUnlessRefusedForGood(t *testing.T) {
	s := apitest.NewServer(t)
	nobody, later := "nobody-"+apitest.NewEmail(), "later-"+apitest.NewEmail()
	s.Register(t, nobody)
	s.Register(t, later)
	s.Mail.Await(t, later, "Confirm")
	s.Mail.All(t, nobody)
	if s.Mail.Tries(nobody) != 1 || s.Mail.Tries(later) != 2 {
		t.Errorf("tried %d and %d times", s.Mail.Tries(nobody), s.Mail.Tries(later))
	}
}

// TestResetRemovesFactorsOfAnUnconfirmedAccount has somebody register with another's address, and
// prepare to come back.
func TestResetRemovesFactorsOfAnUnconfirmedAccount(t *testing.T) {
	s := apitest.NewServer(
		t,
		func(c *api.Config, _ *api.Deps) { c.PublicURL = apitest.PasskeyOrigin },
	)
	stranger := s.Register(t, apitest.NewEmail())
	stranger.AddAuthenticator(t)
	ph := apitest.NewPhone(t, stranger.ID, apitest.PasskeyOrigin)
	q := stranger.Question(t, apitest.BeginPasskeyPath)
	stranger.Do(t, "POST", apitest.PasskeysPath, map[string]any{
		"ticket": q.Ticket, "name": "A way back", "credential": ph.Create(t, q),
	}).Expect(t, 201)

	owner := s.NewClient(t)
	owner.Do(t, "POST", "/auth/forgot-password", map[string]any{
		"email": stranger.Email,
	}).Expect(t, 202)
	token := s.Mail.Await(t, stranger.Email, "Choose a new password").Token(t, "/reset-password")
	owner.Do(t, "POST", "/auth/reset-password", map[string]any{
		"token": token, "password": "gr8-tram-window",
	}).Expect(t, 204)
	var g signin.Grant
	owner.Do(t, "POST", "/auth/login", map[string]any{
		"email": stranger.Email, "password": "gr8-tram-window",
	}).Expect(t, 200).Decode(t, &g)
	owner.Access = g.AccessToken
	if f := owner.Factors(t); f.TOTP.Enabled || len(f.Passkeys) != 0 || f.RecoveryCodesLeft != 0 {
		t.Errorf("the stranger can still sign in by %+v", f)
	}
	q = s.NewClient(t).Question(t, apitest.BeginPasskeySignInPath)
	s.NewClient(t).Do(t, "POST", apitest.FinishPasskeySignInPath, map[string]any{
		"ticket": q.Ticket, "credential": ph.SignIn(t, q),
	}).Problem(t, 401, "wrong-passkey")
}

// TestResetCancelsAChangeOfAddress has somebody with a stolen session ask for another address
// before the owner resets the password.
func TestResetCancelsAChangeOfAddress(t *testing.T) {
	s := apitest.NewServer(t)
	email, evil := apitest.NewEmail(), apitest.NewEmail()
	p := s.Register(t, email)
	verify := func(token string) apitest.Response {
		return s.NewClient(t).Do(t, "POST", "/auth/verify-email", map[string]any{"token": token})
	}
	verify(s.Mail.Await(t, email,
		"Confirm your e-mail address").Token(t, "/verify-email")).Expect(t, 200)
	p.Do(t, "POST", "/api/users/profile/email", map[string]any{"email": evil}).Expect(t, 202)
	if told := s.Mail.Await(t, email, "is to be changed"); !strings.Contains(told.Text, evil) {
		t.Errorf("letter %s", told.Text)
	}
	letter := s.Mail.Await(t, evil, "Confirm your new e-mail address")
	if strings.Contains(letter.Text, "Dana") {
		t.Error("what somebody calls themselves is sent to a stranger")
	}
	s.NewClient(t).Do(t, "POST", "/auth/forgot-password", map[string]any{
		"email": email,
	}).Expect(t, 202)
	reset := s.Mail.Await(t, email, "Choose a new password").Token(t, "/reset-password")
	s.NewClient(t).Do(t, "POST", "/auth/reset-password", map[string]any{
		"token": reset, "password": "gr8-tram-window",
	}).Expect(t, 204)
	verify(letter.Token(t, "/verify-email")).Problem(t, 422, "link-expired")
}
