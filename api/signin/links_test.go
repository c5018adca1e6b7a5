package signin_test

import (
	"strings"
	"testing"
	"time"

	"bedside/api/apitest"
	"bedside/api/signin"
)

func TestVerifyEmail(t *testing.T) {
	s := apitest.NewServer(t)
	email := apitest.NewEmail()
	p := s.Register(t, email)
	mail := s.Mail.Await(t, email, "Confirm your e-mail address")
	if strings.Contains(mail.Text, "Dana") ||
		mail.Header.Get("Auto-Submitted") != "auto-generated" ||
		!strings.Contains(mail.From, "bedside@example.org") {
		t.Errorf("mail %+v", mail)
	}
	verify := func(token string) apitest.Response {
		return s.NewClient(t).Do(t, "POST", "/auth/verify-email", map[string]any{"token": token})
	}
	for _, bad := range []string{"x", strings.Repeat("A", 43), strings.Repeat("é", 50)} {
		verify(bad).Problem(t, 422, "link-expired")
	}
	token := mail.Token(t, "/verify-email")
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
	notice := s.Mail.Await(t, email, "already have an account")
	if !strings.Contains(notice.Text, apitest.SiteURL+"/sign-in") ||
		!strings.Contains(notice.Text, "Hello Dana,") || strings.Contains(notice.Text, "Mallory") {
		t.Errorf("mail %s", notice.Text)
	}
	if left := s.Mail.All(t, email); len(left) != 0 {
		t.Errorf("further mails: %+v", left)
	}
	p.CheckAuditTrail(t,
		"user.register done", "session.start done", "user.verify_email done")

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
	forKnown, forUnknown := strings.ReplaceAll(string(a.Data), email, "x"),
		strings.ReplaceAll(string(b.Data), unknown, "x")
	if forKnown != forUnknown {
		t.Errorf("the answers differ: %s and %s", a.Data, b.Data)
	}
	mail := s.Mail.Await(t, email, "Choose a new password")
	token := mail.Token(t, "/reset-password")
	if !strings.Contains(mail.Text, "From: 127.0.0.1") {
		t.Errorf("mail %s", mail.Text)
	}
	if got := s.Mail.All(t, unknown); len(got) != 0 {
		t.Errorf("an address without an account got %+v", got)
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
		device.SendRefresh(t).Problem(t, 401, "session-ended")
	}
	other.Profile(t)
	if n := len(s.EndedSessions()); n != 2 {
		t.Errorf("%d sessions ended, want 2", n)
	}
	s.Mail.Await(t, email, "password was changed")
	p.Login(t, email, apitest.Password).Problem(t, 401, "wrong-credentials")
	var g signin.Grant
	p.Login(t, email, fresh).Expect(t, 200).Decode(t, &g)
	p.Access = g.AccessToken
	if !p.Profile(t).EmailVerified {
		t.Error("the address is not verified, although the link came by mail")
	}
	p.CheckAuditTrail(t,
		"user.forgot_password done", "user.reset_password done", "session.start refused",
		"session.start done")

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
	// the mail of the registration is of another kind
	if got := s.Mail.All(t, email); len(got) != 1+5 {
		t.Errorf("%d mails came", len(got))
	}
}

// TestMailLimitIsPerKind uses up the mails of a registration, as a stranger could.
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
	unknown, later := "nobody-"+apitest.NewEmail(), "later-"+apitest.NewEmail()
	s.Register(t, unknown)
	s.Register(t, later)
	s.Mail.Await(t, later, "Confirm")
	s.Mail.All(t, unknown)
	if s.Mail.Tries(unknown) != 1 || s.Mail.Tries(later) != 2 {
		t.Errorf("tried %d and %d times", s.Mail.Tries(unknown), s.Mail.Tries(later))
	}
}

// TestResetRemovesFactorsOfAnUnconfirmedAccount covers a stranger who registers with somebody
// else's address and adds ways to sign in later.
func TestResetRemovesFactorsOfAnUnconfirmedAccount(t *testing.T) {
	s := apitest.NewServer(t, apitest.PublicURL(apitest.PasskeyOrigin))
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
	owner.Login(t, stranger.Email, "gr8-tram-window").Expect(t, 200).Decode(t, &g)
	owner.Access = g.AccessToken
	if f := owner.Factors(t); f.TOTP.Enabled || len(f.Passkeys) != 0 || f.RecoveryCodesLeft != 0 {
		t.Errorf("the stranger can still sign in with %+v", f)
	}
	q = s.NewClient(t).Question(t, apitest.BeginPasskeySignInPath)
	s.NewClient(t).Do(t, "POST", apitest.FinishPasskeySignInPath, map[string]any{
		"ticket": q.Ticket, "credential": ph.SignIn(t, q),
	}).Problem(t, 401, "wrong-passkey")
}

// TestResetCancelsAChangeOfAddress covers a thief of a session who asks for another address before
// the owner resets the password.
func TestResetCancelsAChangeOfAddress(t *testing.T) {
	s := apitest.NewServer(t)
	email, thief := apitest.NewEmail(), apitest.NewEmail()
	p := s.Register(t, email)
	verify := func(token string) apitest.Response {
		return s.NewClient(t).Do(t, "POST", "/auth/verify-email", map[string]any{"token": token})
	}
	confirm := s.Mail.Await(t, email, "Confirm your e-mail address")
	verify(confirm.Token(t, "/verify-email")).Expect(t, 200)
	p.Do(t, "POST", "/api/users/profile/email", map[string]any{"email": thief}).Expect(t, 202)
	notice := s.Mail.Await(t, email, "is to be changed")
	if !strings.Contains(notice.Text, thief) {
		t.Errorf("mail %s", notice.Text)
	}
	mail := s.Mail.Await(t, thief, "Confirm your new e-mail address")
	if strings.Contains(mail.Text, "Dana") {
		t.Error("the name of the account is sent to an unconfirmed address")
	}
	s.NewClient(t).Do(t, "POST", "/auth/forgot-password", map[string]any{
		"email": email,
	}).Expect(t, 202)
	reset := s.Mail.Await(t, email, "Choose a new password").Token(t, "/reset-password")
	s.NewClient(t).Do(t, "POST", "/auth/reset-password", map[string]any{
		"token": reset, "password": "gr8-tram-window",
	}).Expect(t, 204)
	verify(mail.Token(t, "/verify-email")).Problem(t, 422, "link-expired")
}
