package api_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/audit"
	"bedside/api/users"
	"bedside/store"
)

func address() string { return strings.ToLower(rand.Text()) + "@example.org" }

// registered is a new account, made over the API and signed in.
func (s *server) registered(t *testing.T, email string) *person {
	t.Helper()
	p := s.anybody(t)
	p.do(t, "POST", "/auth/register", map[string]any{
		"email": email, "password": password, "name": "Dana",
	}).expect(t, 202)
	p.email = email
	p.signIn(t)
	var me users.User
	p.do(t, "GET", "/api/users/profile", nil).expect(t, 200).into(t, &me)
	p.id = me.ID
	return p
}

func (p *person) profile(t *testing.T) (me users.User) {
	t.Helper()
	p.do(t, "GET", "/api/users/profile", nil).expect(t, 200).into(t, &me)
	return me
}

// acts gives a person's own trail, oldest first, as action and outcome.
func (p *person) acts(t *testing.T) (list []string) {
	t.Helper()
	var page audit.ActPage
	p.do(t, "GET", "/api/audit?limit=100", nil).expect(t, 200).into(t, &page)
	for _, a := range page.Items {
		list = append([]string{string(a.Action) + " " + string(a.Outcome)}, list...)
	}
	return list
}

func contains(list []string, want ...string) bool {
	i := 0
	for _, s := range list {
		if i < len(want) && s == want[i] {
			i++
		}
	}
	return i == len(want)
}

func TestVerification(t *testing.T) {
	s := newServer(t)
	email := address()
	p := s.registered(t, email)
	letter := post.letter(t, email, "Confirm your e-mail address")
	if strings.Contains(letter.text, "Dana") ||
		letter.header.Get("Auto-Submitted") != "auto-generated" ||
		!strings.Contains(letter.from, "bedside@example.org") {
		t.Errorf("letter %+v", letter)
	}
	verify := func(token string) answer {
		return s.anybody(t).do(t, "POST", "/auth/verify-email", map[string]any{"token": token})
	}
	for _, bad := range []string{"x", strings.Repeat("A", 43), strings.Repeat("é", 50)} {
		verify(bad).problem(t, 422, "link-expired")
	}
	token := letter.token(t, "/verify-email")
	s.anybody(t).do(t, "POST", "/auth/reset-password", map[string]any{
		"token": token, "password": "gr8-tram-window",
	}).problem(t, 422, "link-expired")

	p.do(t, "POST", "/auth/resend-verification", nil).expect(t, 202)
	second := post.letter(t, email, "Confirm").token(t, "/verify-email")
	var got users.Verified
	verify(second).expect(t, 200).into(t, &got)
	if got.Email != email || !p.profile(t).EmailVerified {
		t.Errorf("verified %+v", got)
	}
	verify(second).problem(t, 422, "link-expired")
	verify(token).problem(t, 422, "link-expired")
	p.do(t, "POST", "/auth/resend-verification", nil).expect(t, 202)

	s.anybody(t).do(t, "POST", "/auth/register", map[string]any{
		"email": email, "password": "gr8-tram-window", "name": "Mallory",
	}).expect(t, 202)
	told := post.letter(t, email, "already have an account")
	if !strings.Contains(told.text, site+"/sign-in") ||
		!strings.Contains(told.text, "Hello Dana,") || strings.Contains(told.text, "Mallory") {
		t.Errorf("letter %s", told.text)
	}
	if left := post.letters(t, email); len(left) != 0 {
		t.Errorf("further letters: %+v", left)
	}
	if acts := p.acts(t); !contains(acts, "user.register done", "session.start done",
		"user.verify_email done", "user.register refused") {
		t.Errorf("trail %v", acts)
	}

	late := s.registered(t, address())
	token = post.letter(t, late.email, "Confirm").token(t, "/verify-email")
	s.forward(25 * time.Hour)
	verify(token).problem(t, 422, "link-expired")
}

func TestForgottenPassword(t *testing.T) {
	s := newServer(t)
	email, unknown := address(), address()
	p, other := s.registered(t, email), s.registered(t, address())
	laptop := s.anybody(t)
	laptop.email = email
	laptop.signIn(t)
	forgot := func(email string) answer {
		return s.anybody(t).do(t, "POST", "/auth/forgot-password", map[string]any{
			"email": email,
		}).expect(t, 202)
	}
	a, b := forgot(email), forgot(unknown)
	if strings.ReplaceAll(string(a.body), email, "x") != strings.ReplaceAll(string(b.body),
		unknown, "x") {
		t.Errorf("%s and %s tell them apart", a.body, b.body)
	}
	letter := post.letter(t, email, "Choose a new password")
	token := letter.token(t, "/reset-password")
	if !strings.Contains(letter.text, "From: 127.0.0.1") {
		t.Errorf("letter %s", letter.text)
	}
	if got := post.letters(t, unknown); len(got) != 0 {
		t.Errorf("somebody without an account got %+v", got)
	}
	const fresh = "gr8-tram-window"
	reset := func(token, password string) answer {
		return s.anybody(t).do(t, "POST", "/auth/reset-password", map[string]any{
			"token": token, "password": password,
		})
	}
	reset(token, "password1").problem(t, 422, "common-password")
	reset(token, email).problem(t, 422, "common-password")
	reset(token, "short").problem(t, 422, "invalid")
	reset(token, fresh).expect(t, 204)
	reset(token, fresh).problem(t, 422, "link-expired")

	for _, device := range []*person{p, laptop} {
		device.do(t, "GET", "/api/users/profile", nil).problem(t, 401, "unauthenticated")
		device.do(t, "POST", "/auth/refresh", map[string]any{
			"refresh_token": device.refresh,
		}).problem(t, 401, "session-ended")
	}
	other.profile(t)
	if len(s.ended) != 2 {
		t.Errorf("told of %d ended sessions", len(s.ended))
	}
	post.letter(t, email, "password was changed")
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": email, "password": password,
	}).problem(t, 401, "wrong-credentials")
	var g users.Grant
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": email, "password": fresh,
	}).expect(t, 200).into(t, &g)
	p.access = g.AccessToken
	if !p.profile(t).EmailVerified {
		t.Error("the mail was read, and yet the address is not verified")
	}
	if acts := p.acts(t); !contains(acts, "user.forgot_password done", "user.reset_password done",
		"session.start refused", "session.start done") {
		t.Errorf("trail %v", acts)
	}

	forgot(email)
	late := post.letter(t, email, "Choose a new password").token(t, "/reset-password")
	s.forward(11 * time.Minute)
	reset(late, fresh).problem(t, 422, "link-expired")
	log := s.log.String()
	for _, secret := range []string{token, late, fresh, password} {
		if strings.Contains(log, secret) {
			t.Error("a secret is in the log")
		}
	}
}

func TestLettersAreLimited(t *testing.T) {
	s := newServer(t)
	email := address()
	s.registered(t, email)
	for range 10 {
		s.anybody(t).do(t, "POST", "/auth/forgot-password", map[string]any{
			"email": email,
		}).expect(t, 202)
	}
	// the one of the registration is of another kind
	if got := post.letters(t, email); len(got) != 1+5 {
		t.Errorf("%d letters came", len(got))
	}
}

func TestLetterTroubles(t *testing.T) {
	s := newServer(t)
	nobody, later := "nobody-"+address(), "later-"+address()
	s.registered(t, nobody)
	s.registered(t, later)
	post.letter(t, later, "Confirm")
	post.letters(t, nobody)
	post.mu.Lock()
	defer post.mu.Unlock()
	if post.tries[nobody] != 1 || post.tries[later] != 2 {
		t.Errorf("tried %d and %d times", post.tries[nobody], post.tries[later])
	}
}

func TestCommonPasswords(t *testing.T) {
	s := newServer(t)
	for _, p := range []string{
		"password", "12345678", "Password123", "qwertyuiop", "dana.common",
	} {
		a := s.anybody(t).do(t, "POST", "/auth/register", map[string]any{
			"email": "dana.common@example.org", "password": p, "name": "Dana",
		})
		if got := a.problem(t, 422, "common-password"); len(got.Errors) != 1 ||
			got.Errors[0].Location != "body.password" {
			t.Errorf("%s: %+v", p, got)
		}
	}
}

func TestProfile(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	full := map[string]any{
		"name": " Dana K. ", "profession": "nursing", "target_grade": "C+",
		"test_date": "2026-11-14", "time_zone": "Europe/Zagreb", "locale": "en-GB",
	}
	var me users.User
	p.do(t, "PUT", "/api/users/profile", full).expect(t, 200).into(t, &me)
	if me != p.profile(t) || me.Name != "Dana K." || me.TargetGrade != "C+" ||
		me.TestDate != "2026-11-14" || me.TimeZone != "Europe/Zagreb" || me.Locale != "en-GB" ||
		me.Profession != "nursing" {
		t.Errorf("profile %+v", me)
	}
	p.do(t, "PATCH", "/api/users/profile", map[string]any{
		"profession": "medicine", "test_date": "",
	}).expect(t, 200).into(t, &me)
	if me.Profession != "medicine" || me.TestDate != "" || me.TimeZone != "Europe/Zagreb" {
		t.Errorf("profile %+v", me)
	}
	p.do(t, "PUT", "/api/users/profile", map[string]any{
		"name": "Dana",
	}).expect(t, 200).into(t, &me)
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
			if got := p.do(t, "PATCH", "/api/users/profile", map[string]any{field: v}); v != nil {
				if pr := got.problem(t, 422, "invalid"); len(pr.Errors) == 0 {
					t.Errorf("%s %v: no field is named", field, v)
				}
			}
		}
	}
	if acts := p.acts(t); len(acts) != 4 {
		t.Errorf("trail %v", acts)
	}
}

func TestPasswordChange(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	tablet := s.anybody(t)
	tablet.email = p.email
	tablet.signIn(t)
	const fresh = "gr8-tram-window"
	change := func() answer {
		return p.do(t, "POST", "/api/users/profile/password", map[string]any{"password": fresh})
	}
	renew := func() {
		t.Helper()
		var g users.Grant
		p.do(t, "POST", "/auth/refresh", map[string]any{
			"refresh_token": p.refresh,
		}).expect(t, 200).into(t, &g)
		p.access, p.refresh = g.AccessToken, g.RefreshToken
	}
	s.forward(11 * time.Minute)
	renew()
	change().problem(t, 403, "reauthentication-required")
	p.do(t, "POST", "/auth/reauthenticate", map[string]any{
		"password": "wrong",
	}).problem(t, 403, "wrong-credentials")
	change().problem(t, 403, "reauthentication-required")
	p.do(t, "POST", "/auth/reauthenticate", map[string]any{"password": password}).expect(t, 204)
	change().expect(t, 204)
	p.profile(t) // this device stays
	tablet.access = ""
	tablet.do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": tablet.refresh,
	}).problem(t, 401, "session-ended")
	post.letter(t, strings.ToLower(p.email), "password was changed")
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": p.email, "password": fresh,
	}).expect(t, 200)
	if acts := p.acts(t); !contains(acts, "user.reauthenticate refused",
		"user.reauthenticate done", "user.change_password done") {
		t.Errorf("trail %v", acts)
	}
}

func TestEmailChange(t *testing.T) {
	s := newServer(t)
	old, fresh := address(), address()
	p, other := s.registered(t, old), s.registered(t, address())
	change := func(email string) answer {
		return p.do(t, "POST", "/api/users/profile/email", map[string]any{
			"email": email,
		}).expect(t, 202)
	}
	taken, free := change(other.email), change(fresh)
	if strings.ReplaceAll(string(taken.body), other.email,
		"x") != strings.ReplaceAll(string(free.body), fresh, "x") {
		t.Errorf("%s and %s tell them apart", taken.body, free.body)
	}
	post.letter(t, other.email, "already have an account")
	token := post.letter(t, fresh, "Confirm your new e-mail address").token(t, "/verify-email")
	if got := p.profile(t).Email; got != old {
		t.Errorf("the address is %s before it is confirmed", got)
	}
	s.anybody(t).do(t, "POST", "/auth/verify-email", map[string]any{"token": token}).expect(t, 200)
	if me := p.profile(t); me.Email != fresh || !me.EmailVerified {
		t.Errorf("profile %+v", me)
	}
	told := post.letter(t, old, "address was changed")
	if !strings.Contains(told.text, fresh) {
		t.Errorf("letter %s", told.text)
	}
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": old, "password": password,
	}).expect(t, 401)
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": fresh, "password": password,
	}).expect(t, 200)

	// Somebody who registers with the address in the meantime keeps it.
	contested := address()
	change(contested)
	token = post.letter(t, contested, "Confirm your new e-mail address").token(t, "/verify-email")
	s.registered(t, contested)
	s.anybody(t).do(t, "POST", "/auth/verify-email", map[string]any{
		"token": token,
	}).problem(t, 422, "link-expired")
}

// TestResetForgetsWhatAStrangerLeft has somebody register with another's address, and prepare to
// come back.
func TestResetForgetsWhatAStrangerLeft(t *testing.T) {
	s := newServer(t, func(c *api.Config, _ *api.Deps) { c.PublicURL = origin })
	stranger := s.registered(t, address())
	stranger.withApp(t)
	ph := newPhone(t, stranger.id, origin)
	q := stranger.question(t, beginKey)
	stranger.do(t, "POST", keys, map[string]any{
		"ticket": q.Ticket, "name": "A way back", "credential": ph.create(t, q),
	}).expect(t, 201)

	owner := s.anybody(t)
	owner.do(t, "POST", "/auth/forgot-password", map[string]any{
		"email": stranger.email,
	}).expect(t, 202)
	token := post.letter(t, stranger.email, "Choose a new password").token(t, "/reset-password")
	owner.do(t, "POST", "/auth/reset-password", map[string]any{
		"token": token, "password": "gr8-tram-window",
	}).expect(t, 204)
	var g users.Grant
	owner.do(t, "POST", "/auth/login", map[string]any{
		"email": stranger.email, "password": "gr8-tram-window",
	}).expect(t, 200).into(t, &g)
	owner.access = g.AccessToken
	if f := owner.factors(t); f.TOTP.Enabled || len(f.Passkeys) != 0 || f.RecoveryCodesLeft != 0 {
		t.Errorf("the stranger can still sign in by %+v", f)
	}
	q = s.anybody(t).question(t, beginSignIn)
	s.anybody(t).do(t, "POST", endSignIn, map[string]any{
		"ticket": q.Ticket, "credential": ph.get(t, q),
	}).problem(t, 401, "wrong-passkey")
}

// TestResetUndoesAChangeOfAddress has somebody with a stolen session ask for another address
// before the owner resets the password.
func TestResetUndoesAChangeOfAddress(t *testing.T) {
	s := newServer(t)
	email, evil := address(), address()
	p := s.registered(t, email)
	verify := func(token string) answer {
		return s.anybody(t).do(t, "POST", "/auth/verify-email", map[string]any{"token": token})
	}
	verify(post.letter(t, email,
		"Confirm your e-mail address").token(t, "/verify-email")).expect(t, 200)
	p.do(t, "POST", "/api/users/profile/email", map[string]any{"email": evil}).expect(t, 202)
	if told := post.letter(t, email, "is to be changed"); !strings.Contains(told.text, evil) {
		t.Errorf("letter %s", told.text)
	}
	letter := post.letter(t, evil, "Confirm your new e-mail address")
	if strings.Contains(letter.text, "Dana") {
		t.Error("what somebody calls themselves is sent to a stranger")
	}
	s.anybody(t).do(t, "POST", "/auth/forgot-password", map[string]any{
		"email": email,
	}).expect(t, 202)
	reset := post.letter(t, email, "Choose a new password").token(t, "/reset-password")
	s.anybody(t).do(t, "POST", "/auth/reset-password", map[string]any{
		"token": reset, "password": "gr8-tram-window",
	}).expect(t, 204)
	verify(letter.token(t, "/verify-email")).problem(t, 422, "link-expired")
}

// TestLettersOfOneKindLeaveOthers has a stranger use up the letters of a registration.
func TestLettersOfOneKindLeaveOthers(t *testing.T) {
	s := newServer(t)
	p := s.registered(t, address())
	for range 8 {
		s.anybody(t).do(t, "POST", "/auth/register", map[string]any{
			"email": p.email, "password": password, "name": "Somebody",
		}).expect(t, 202)
	}
	s.anybody(t).do(t, "POST", "/auth/forgot-password", map[string]any{
		"email": p.email,
	}).expect(t, 202)
	post.letter(t, p.email, "Choose a new password")
}

// TestTextsThatCannotBeKept sends what PostgreSQL takes no text with.
func TestTextsThatCannotBeKept(t *testing.T) {
	s := newServer(t)
	s.anybody(t).do(t, "POST", "/auth/login", map[string]any{
		"email": "a\x00@example.org", "password": password,
	}).problem(t, 422, "invalid")
	p := s.registered(t, address())
	s.anybody(t).do(t, "POST", "/auth/login",
		map[string]any{"email": p.email, "password": password}, "User-Agent",
		"Telefon \xfcber "+strings.Repeat("ü", 300)).expect(t, 200)
}

func TestAdministration(t *testing.T) {
	s := newServer(t)
	admin, p := s.someone(t, store.RoleAdmin), s.someone(t, store.RoleCandidate)
	mark := strings.ToLower(rand.Text())
	p.do(t, "PATCH", "/api/users/profile", map[string]any{
		"name": "Zoë 100%_" + mark,
	}).expect(t, 200)
	list := func(query string) (page users.AccountPage) {
		t.Helper()
		admin.do(t, "GET", "/api/users?"+query, nil).expect(t, 200).into(t, &page)
		return page
	}
	for query, want := range map[string]int{
		"text=" + mark: 1, "text=ZO%C3%8B+100%25_" + mark: 1, "text=%25" + mark: 0, "text=" +
			mark + "&role=tutor": 0,
		"text=" + mark + "&disabled=true": 0, "text=" + mark +
			"&disabled=false&role=candidate": 1, "text=" + strings.ToLower(p.email): 1,
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
		admin.do(t, "GET", "/api/users?"+bad, nil).problem(t, 422, "invalid")
	}
	path := "/api/users/" + p.id
	var a users.Account
	admin.do(t, "PATCH", path, map[string]any{"role": "tutor"}).expect(t, 200).into(t, &a)
	if a.Role != store.RoleTutor {
		t.Errorf("account %+v", a)
	}
	p.do(t, "GET", "/api/rooms", nil).expect(t, 200) // at once
	admin.do(t, "PATCH", path, map[string]any{"role": "king"}).problem(t, 422, "invalid")
	admin.do(t, "PATCH", path, map[string]any{"disabled": true}).expect(t, 200)
	if a := p.do(t, "GET", "/api/rooms", nil); a.StatusCode != 401 && a.StatusCode != 403 {
		t.Errorf("a disabled account got %d", a.StatusCode)
	}
	if len(s.ended) != 2 { // its rooms were closed with the new role, and its session was ended
		t.Errorf("told of %d ended sessions", len(s.ended))
	}
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": p.email, "password": password,
	}).problem(t, 403, "account-disabled")
	admin.do(t, "PATCH", path, map[string]any{
		"disabled": false, "role": "candidate",
	}).expect(t, 200)
	p.signIn(t)
	admin.do(t, "GET", "/api/users/0190d2a0-0000-7000-8000-00000000ffff",
		nil).problem(t, 404, "not-found")
	admin.do(t, "GET", "/api/users/x", nil).problem(t, 404, "not-found")

	var trail, own audit.ActPage
	admin.do(t, "GET", "/api/audit?user="+p.id, nil).expect(t, 200).into(t, &trail)
	p.do(t, "GET", "/api/audit", nil).expect(t, 200).into(t, &own)
	if len(own.Items) != len(trail.Items) {
		t.Errorf("%d entries, and %d for the administrator", len(own.Items), len(trail.Items))
	}
	for i, act := range trail.Items {
		if act.ActorID == admin.id && (act.IP == "" || own.Items[i].IP != "" || own.Items[i].Own) {
			t.Errorf("entry %+v is shown as %+v", act, own.Items[i])
		}
	}
	if acts := p.acts(t); !contains(acts, "user.change_role done", "user.disable done",
		"session.start refused", "user.change_role done", "user.enable done",
		"session.start done") {
		t.Errorf("trail %v", acts)
	}
}
