package api_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/audit"
	"bedside/api/users"
	"bedside/store"
)

func TestVerification(t *testing.T) {
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
	var got users.Verified
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

func TestForgottenPassword(t *testing.T) {
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
	var g users.Grant
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

func TestLettersAreLimited(t *testing.T) {
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

func TestLetterTroubles(t *testing.T) {
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

func TestCommonPasswords(t *testing.T) {
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

func TestProfile(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	full := map[string]any{
		"name": " Dana K. ", "profession": "nursing", "target_grade": "C+",
		"test_date": "2026-11-14", "time_zone": "Europe/Zagreb", "locale": "en-GB",
	}
	var me users.User
	p.Do(t, "PUT", "/api/users/profile", full).Expect(t, 200).Decode(t, &me)
	if me != p.Profile(t) || me.Name != "Dana K." || me.TargetGrade != "C+" ||
		me.TestDate != "2026-11-14" || me.TimeZone != "Europe/Zagreb" || me.Locale != "en-GB" ||
		me.Profession != "nursing" {
		t.Errorf("profile %+v", me)
	}
	p.Do(t, "PATCH", "/api/users/profile", map[string]any{
		"profession": "medicine", "test_date": "",
	}).Expect(t, 200).Decode(t, &me)
	if me.Profession != "medicine" || me.TestDate != "" || me.TimeZone != "Europe/Zagreb" {
		t.Errorf("profile %+v", me)
	}
	p.Do(t, "PUT", "/api/users/profile", map[string]any{
		"name": "Dana",
	}).Expect(t, 200).Decode(t, &me)
	if me.Profession != "" || me.TimeZone != "" || me.Locale != "" || me.TargetGrade != "" {
		t.Errorf("profile %+v", me)
	}
	for field, values := range map[string][]any{
		"name": {
			"", " ", "a\nb", nil,
		}, "profession": {"astrology"}, "target_grade": {"F", "a"}, "test_date": {
			"14.11.2026", "2026-02-30", "0001-01-01",
		},
		"time_zone": {
			"Mars/Base", "Local", "../etc/passwd",
		}, "locale": {"english!", "e"}, "role": {"admin"}, "email": {"x@example.org"}, "disabled": {true},
	} {
		for _, v := range values {
			if got := p.Do(t, "PATCH", "/api/users/profile", map[string]any{field: v}); v != nil {
				if pr := got.Problem(t, 422, "invalid"); len(pr.Errors) == 0 {
					t.Errorf("%s %v: no field is named", field, v)
				}
			}
		}
	}
	if acts := p.AuditTrail(t); len(acts) != 4 {
		t.Errorf("trail %v", acts)
	}
}

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
		var g users.Grant
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

// TestResetForgetsWhatAStrangerLeft has somebody register with another's address, and prepare to
// come back.
func TestResetForgetsWhatAStrangerLeft(t *testing.T) {
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
	var g users.Grant
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

// TestResetUndoesAChangeOfAddress has somebody with a stolen session ask for another address
// before the owner resets the password.
func TestResetUndoesAChangeOfAddress(t *testing.T) {
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

// TestLettersOfOneKindLeaveOthers has a stranger use up the letters of a registration.
func TestLettersOfOneKindLeaveOthers(t *testing.T) {
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

// TestTextsThatCannotBeKept sends what PostgreSQL takes no text with.
func TestTextsThatCannotBeKept(t *testing.T) {
	s := apitest.NewServer(t)
	s.NewClient(t).Do(t, "POST", "/auth/login", map[string]any{
		"email": "a\x00@example.org", "password": apitest.Password,
	}).Problem(t, 422, "invalid")
	p := s.Register(t, apitest.NewEmail())
	s.NewClient(t).Do(t, "POST", "/auth/login",
		map[string]any{"email": p.Email, "password": apitest.Password}, "User-Agent",
		"Telefon \xfcber "+strings.Repeat("ü", 300)).Expect(t, 200)
}

func TestAdministration(t *testing.T) {
	s := apitest.NewServer(t)
	admin, p := s.NewUser(t, store.RoleAdmin), s.NewUser(t, store.RoleCandidate)
	mark := strings.ToLower(rand.Text())
	p.Do(t, "PATCH", "/api/users/profile", map[string]any{
		"name": "Zoë 100%_" + mark,
	}).Expect(t, 200)
	list := func(query string) (page users.AccountPage) {
		t.Helper()
		admin.Do(t, "GET", "/api/users?"+query, nil).Expect(t, 200).Decode(t, &page)
		return page
	}
	for query, want := range map[string]int{
		"text=" + mark: 1, "text=ZO%C3%8B+100%25_" + mark: 1, "text=%25" + mark: 0, "text=" +
			mark + "&role=tutor": 0,
		"text=" + mark + "&disabled=true": 0, "text=" + mark +
			"&disabled=false&role=candidate": 1, "text=" + strings.ToLower(p.Email): 1,
	} {
		if page := list(query); len(page.Items) != want {
			t.Errorf("%s: %d accounts", query, len(page.Items))
		}
	}
	first := list("limit=1")
	if second := list("limit=1&before=" + first.Next); first.Next == "" ||
		second.Items[0].ID >= first.Items[0].ID {
		t.Errorf("pages %+v, %+v", first, second)
	}
	for _, bad := range []string{"limit=0", "before=x", "role=king", "disabled=maybe"} {
		admin.Do(t, "GET", "/api/users?"+bad, nil).Problem(t, 422, "invalid")
	}
	path := "/api/users/" + p.ID
	var a users.Account
	admin.Do(t, "PATCH", path, map[string]any{"role": "tutor"}).Expect(t, 200).Decode(t, &a)
	if a.Role != store.RoleTutor {
		t.Errorf("account %+v", a)
	}
	p.Do(t, "GET", "/api/rooms", nil).Expect(t, 200) // at once
	admin.Do(t, "PATCH", path, map[string]any{"role": "king"}).Problem(t, 422, "invalid")
	admin.Do(t, "PATCH", path, map[string]any{"disabled": true}).Expect(t, 200)
	if a := p.Do(t, "GET", "/api/rooms", nil); a.StatusCode != 401 && a.StatusCode != 403 {
		t.Errorf("a disabled account got %d", a.StatusCode)
	}
	if len(
		s.EndedSessions(),
	) != 2 { // its rooms were closed with the new role, and its session was ended
		t.Errorf("told of %d ended sessions", len(s.EndedSessions()))
	}
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": p.Email, "password": apitest.Password,
	}).Problem(t, 403, "account-disabled")
	admin.Do(t, "PATCH", path, map[string]any{
		"disabled": false, "role": "candidate",
	}).Expect(t, 200)
	p.SignIn(t)
	admin.Do(t, "GET", "/api/users/0190d2a0-0000-7000-8000-00000000ffff",
		nil).Problem(t, 404, "not-found")
	admin.Do(t, "GET", "/api/users/x", nil).Problem(t, 404, "not-found")

	var trail, own audit.ActPage
	admin.Do(t, "GET", "/api/audit?user="+p.ID, nil).Expect(t, 200).Decode(t, &trail)
	p.Do(t, "GET", "/api/audit", nil).Expect(t, 200).Decode(t, &own)
	if len(own.Items) != len(trail.Items) {
		t.Errorf("%d entries, and %d for the administrator", len(own.Items), len(trail.Items))
	}
	for i, act := range trail.Items {
		if act.ActorID == admin.ID && (act.IP == "" || own.Items[i].IP != "" || own.Items[i].Own) {
			t.Errorf("entry %+v is shown as %+v", act, own.Items[i])
		}
	}
	if acts := p.AuditTrail(
		t,
	); !apitest.ContainsInOrder(
		acts,
		"user.change_role done",
		"user.disable done",
		"session.start refused",
		"user.change_role done",
		"user.enable done",
		"session.start done",
	) {
		t.Errorf("trail %v", acts)
	}
}
