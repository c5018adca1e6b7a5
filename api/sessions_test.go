package api_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/api/auth"
	"bedside/api/sessions"
	"bedside/store"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

// device is one more device of a person's, signed in.
func (p *person) device(t testing.TB, agent string) *person {
	t.Helper()
	d := p.s.anybody(t)
	d.email, d.id = p.email, p.id
	var g struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		SignedOut    int    `json:"signed_out"`
	}
	d.do(t, "POST", "/api/sessions", map[string]any{"email": p.email, "password": password},
		"User-Agent", agent).expect(t, 201).into(t, &g)
	d.access, d.refresh, d.signedOut = g.AccessToken, g.RefreshToken, g.SignedOut
	return d
}

// devices lists a person's sessions.
func (p *person) devices(t testing.TB) []sessions.Session {
	t.Helper()
	var list sessions.List
	p.do(t, "GET", "/api/sessions", nil).expect(t, 200).into(t, &list)
	return list.Items
}

func (p *person) session(t testing.TB) string {
	t.Helper()
	for _, s := range p.devices(t) {
		if s.Current {
			return s.ID
		}
	}
	t.Fatal("no session is the current one")
	return ""
}

func (s *server) hasEnded(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.ended, id)
}

func TestDevices(t *testing.T) {
	s := newServer(t)
	desk := s.someone(t, store.RoleCandidate)
	s.forward(time.Minute)
	phone := desk.device(t,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1")
	list := phone.devices(t)
	if len(list) != 2 || !list[0].Current || list[1].Current || list[0].Browser != "Safari 26" ||
		list[0].System != "iOS" || list[0].Kind != "mobile" || list[0].IP != "127.0.0.1" {
		t.Fatalf("devices: %+v", list)
	}
	if a, b := list[0], list[1]; a.CreatedAt.Before(b.CreatedAt) ||
		!a.ExpiresAt.After(a.CreatedAt) || a.Fingerprint == b.Fingerprint || a.Fingerprint == "" {
		t.Errorf("devices: %+v", list)
	}

	id := phone.session(t)
	desk.do(t, "DELETE", "/api/sessions/"+id, nil).expect(t, 204)
	if !s.hasEnded(id) {
		t.Error("its sockets were not closed")
	}
	phone.do(t, "GET", "/api/scenarios", nil).problem(t, 401, "unauthenticated")
	p := phone.do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": phone.refresh,
	}).problem(t, 401, "session-ended")
	if !strings.Contains(p.Detail, "elsewhere") {
		t.Errorf("why it ended: %q", p.Detail)
	}
	desk.do(t, "DELETE", "/api/sessions/"+id, nil).problem(t, 404, "not-found")
	if list := desk.devices(t); len(list) != 1 || !list[0].Current {
		t.Errorf("devices afterwards: %+v", list)
	}

	tablet, laptop := desk.device(t, firefox), desk.device(t, firefox)
	if a, b := tablet.devices(t)[0].Fingerprint, laptop.devices(t)[0].Fingerprint; a != b {
		t.Error("the same headers are not recognised")
	}
	var ended sessions.Ended
	laptop.do(t, "DELETE", "/api/sessions", nil).expect(t, 200).into(t, &ended)
	if ended.Ended != 2 {
		t.Errorf("%d devices were signed out, want 2", ended.Ended)
	}
	for _, p := range []*person{desk, tablet} {
		p.do(t, "GET", "/api/scenarios", nil).problem(t, 401, "unauthenticated")
	}
	laptop.do(t, "GET", "/api/scenarios", nil).expect(t, 200)
}

func TestDevicesOfOthers(t *testing.T) {
	s := newServer(t)
	owner, stranger := s.someone(t, store.RoleCandidate), s.someone(t, store.RoleCandidate)
	tutor, admin, nobody := s.someone(t,
		store.RoleTutor), s.someone(t, store.RoleAdmin), s.anybody(t)
	for _, tc := range []struct {
		who  *person
		want int
	}{{stranger, 404}, {tutor, 404}, {nobody, 401}, {admin, 204}, {owner, 204}} {
		id := owner.device(t, firefox).session(t)
		if a := tc.who.do(t, "DELETE", "/api/sessions/"+id, nil); a.StatusCode != tc.want {
			t.Errorf("ending the owner's device: %d, want %d: %s", a.StatusCode, tc.want, a.body)
		}
		if got := s.hasEnded(id); got != (tc.want == 204) {
			t.Errorf("after %d the device was signed out: %v", tc.want, got)
		}
	}
	for _, id := range []string{
		"x", "0190d2a0-0000-7000-8000-00000000ffff", strings.Repeat("0", 36),
	} {
		admin.do(t, "DELETE", "/api/sessions/"+id, nil).problem(t, 404, "not-found")
	}
	admin.do(t, "GET", "/api/sessions/user/x", nil).problem(t, 404, "not-found")
}

func TestDeviceLimit(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	first := p.session(t)
	for range 4 {
		s.forward(time.Minute)
		if d := p.device(t, firefox); d.signedOut != 0 {
			t.Errorf("%d devices were signed out within the limit", d.signedOut)
		}
	}
	s.forward(time.Minute)
	if d := p.device(t, firefox); d.signedOut != 1 || len(d.devices(t)) != 5 ||
		!s.hasEnded(first) {
		t.Errorf("the sixth device signed %d out; %d are left; the first was told: %v",
			d.signedOut, len(d.devices(t)), s.hasEnded(first))
	}
	pr := p.do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": p.refresh,
	}).problem(t, 401, "session-ended")
	if !strings.Contains(pr.Detail, "too many") {
		t.Errorf("why it ended: %q", pr.Detail)
	}
}

// TestDeviceLimitIsExactTogether signs in behind the bounded pool of passwords, which would keep
// most of a hundred out at once.
func TestDeviceLimitIsExactTogether(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	u, err := db.User(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	grants := make(chan auth.Grant, 100)
	var all sync.WaitGroup
	for range cap(grants) {
		all.Go(func() {
			g, err := s.sessions.Start(t.Context(), u, auth.Device{UserAgent: firefox})
			if err != nil {
				t.Error(err)
			}
			grants <- g
		})
	}
	all.Wait()
	close(grants)
	in, out := 0, 0
	for g := range grants {
		out += g.SignedOut
		switch _, err := s.sessions.Authenticate(t.Context(), g.Access); {
		case err == nil:
			in++
		case !errors.Is(err, store.ErrUnauthenticated):
			t.Error(err)
		}
	}
	if in != 5 || out != 96 {
		t.Errorf("of 101 devices %d are signed in and %d were told to give way, want 5 and 96", in,
			out)
	}
}

func TestSessionTokens(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleTutor)
	nobody := s.anybody(t)
	validate := func(token string) (v sessions.Validity) {
		t.Helper()
		nobody.do(t, "POST", "/api/sessions/validate", map[string]any{
			"access_token": token,
		}).expect(t, 200).into(t, &v)
		return v
	}
	id := p.session(t)
	if v := validate(p.access); !v.Active || v.UserID != p.id || v.SessionID != id ||
		v.Role != store.RoleTutor {
		t.Errorf("a valid token: %+v", v)
	}
	for _, bad := range []string{"", "x.y.z", p.refresh, p.access + "x"} {
		if v := validate(bad); v != (sessions.Validity{}) {
			t.Errorf("%q: %+v", bad, v)
		}
	}
	nobody.do(t, "POST", "/api/sessions/"+p.id+"/refresh", map[string]any{
		"refresh_token": p.refresh,
	}).problem(t, 401, "unauthenticated")
	var tokens sessions.Tokens
	nobody.do(t, "POST", "/api/sessions/"+id+"/refresh", map[string]any{
		"refresh_token": p.refresh,
	}).expect(t, 200).into(t, &tokens)
	if v := validate(tokens.AccessToken); !v.Active || tokens.RefreshToken == p.refresh {
		t.Errorf("after refreshing: %+v, %+v", v, tokens)
	}
	// The parent is answered with the current one; what is older ends the session.
	var again, third sessions.Tokens
	nobody.do(t, "POST", "/api/sessions/"+id+"/refresh", map[string]any{
		"refresh_token": p.refresh,
	}).expect(t, 200).into(t, &again)
	nobody.do(t, "POST", "/api/sessions/"+id+"/refresh", map[string]any{
		"refresh_token": again.RefreshToken,
	}).expect(t, 200).into(t, &third)
	if again.RefreshToken != tokens.RefreshToken || third.RefreshToken == again.RefreshToken {
		t.Error("the tokens do not follow one another")
	}
	nobody.do(t, "POST", "/api/sessions/"+id+"/refresh", map[string]any{
		"refresh_token": p.refresh,
	}).problem(t, 401, "refresh-reused")
	if validate(third.AccessToken).Active || !s.hasEnded(id) {
		t.Error("a copied token did not end the session")
	}
}

func TestSessionsEndInTheEnd(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	for range 4 { // it is used each 25 days, and idles for at most 30
		s.forward(25 * 24 * time.Hour)
		a := p.do(t, "POST", "/auth/refresh", map[string]any{"refresh_token": p.refresh})
		if a.StatusCode != 200 {
			a.problem(t, 401, "session-ended")
			return
		}
		var g struct {
			RefreshToken string `json:"refresh_token"`
		}
		a.into(t, &g)
		p.refresh = g.RefreshToken
	}
	t.Error("a session lives for more than 90 days")
}

// TestRememberedSessions holds that what is remembered of a session is never older than the news.
func TestRememberedSessions(t *testing.T) {
	s := newServer(t)
	s.sessions.Trust(true)
	p, admin := s.someone(t, store.RoleTutor), s.someone(t, store.RoleAdmin)
	p.do(t, "GET", "/api/rooms", nil).expect(t, 200)
	before := s.reads.Load()
	for range 10 {
		p.do(t, "GET", "/api/rooms", nil).expect(t, 200)
	}
	if n := s.reads.Load() - before; n != 0 {
		t.Errorf("%v reads of a session that is remembered", n)
	}
	admin.do(t, "PATCH", "/api/users/"+p.id, map[string]any{"role": "candidate"}).expect(t, 200)
	p.do(t, "GET", "/api/rooms", nil).problem(t, 403, "forbidden")
	admin.do(t, "PATCH", "/api/users/"+p.id, map[string]any{"role": "tutor"}).expect(t, 200)
	p.do(t, "GET", "/api/rooms", nil).expect(t, 200)

	// Another process ends the session, and tells.
	id := p.session(t)
	if err := db.EndSession(t.Context(), id, store.EndRevoked, s.now()); err != nil {
		t.Fatal(err)
	}
	s.sessions.Forget(store.SessionEvent{SessionID: id})
	p.do(t, "GET", "/api/rooms", nil).problem(t, 401, "unauthenticated")

	// Without news nothing is remembered.
	q := s.someone(t, store.RoleTutor)
	q.do(t, "GET", "/api/rooms", nil).expect(t, 200)
	s.sessions.Trust(false)
	if err := db.EndSession(t.Context(), sessionOf(t, s, q), store.EndRevoked,
		s.now()); err != nil {
		t.Fatal(err)
	}
	q.do(t, "GET", "/api/rooms", nil).problem(t, 401, "unauthenticated")
}

func sessionOf(t *testing.T, s *server, p *person) string {
	t.Helper()
	id, err := s.sessions.SessionOf(p.refresh)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
