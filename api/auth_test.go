package api_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/auth"
	"bedside/api/users"
	"bedside/store"
)

func TestRegisterAndSignIn(t *testing.T) {
	s := newServer(t)
	p := s.anybody(t)
	body := map[string]any{
		"email": " Dana.K+1@Example.ORG ", "password": password, "name": " Dana Kovač ",
		"profession": "nursing",
	}
	first := p.do(t, "POST", "/auth/register", body).expect(t, 202)
	var g users.Grant
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": "DANA.K+1@example.org", "password": password,
	}).expect(t, 200).into(t, &g)
	if g.User.Email != "dana.k+1@example.org" || g.User.Name != "Dana Kovač" ||
		g.User.Role != store.RoleCandidate || g.User.EmailVerified || g.RefreshToken == "" ||
		g.ExpiresIn != 600 || g.TokenType != "Bearer" {
		t.Errorf("grant %+v", g)
	}
	body["password"], body["name"] = "another password", "Somebody else"
	again := p.do(t, "POST", "/auth/register", body).expect(t, 202)
	if string(first.body) != string(again.body) ||
		string(first.body) != `{"email":"dana.k+1@example.org","status":"check_mail"}`+"\n" {
		t.Errorf("%s and %s tell whether there is an account", first.body, again.body)
	}
	for name := range first.Header {
		if name != "X-Request-Id" && name != "Date" &&
			first.Header.Get(name) != again.Header.Get(name) {
			t.Errorf("header %s tells whether there is an account", name)
		}
	}
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": "dana.k+1@example.org", "password": "another password",
	}).problem(t, 401, "wrong-credentials")
	p.access = g.AccessToken
	var me users.User
	for _, path := range []string{"/api/users/profile", "/api/v1/users/profile"} {
		p.do(t, "GET", path, nil).expect(t, 200).into(t, &me)
		if me != g.User {
			t.Errorf("profile %+v", me)
		}
	}
}

func TestRegisterRefuses(t *testing.T) {
	s := newServer(t)
	good := func() map[string]any {
		return map[string]any{"email": "new@example.org", "password": password, "name": "New"}
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
			a := s.anybody(t).do(t, "POST", "/auth/register", body)
			p := a.problem(t, 422, "invalid")
			if len(p.Errors) == 0 {
				t.Errorf("%s %q: no field is named: %s", field, v, a.body)
			}
			if text, ok := v.(string); ok && len(text) > 4 && field == "password" &&
				strings.Contains(string(a.body), text) {
				t.Errorf("the rejected password is in the answer: %s", a.body)
			}
		}
	}
	if strings.Contains(s.log.String(), password) {
		t.Error("a password is in the log")
	}
}

func TestSignInRefuses(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	for _, body := range []map[string]any{
		{"email": p.email, "password": password + "x"},
		{"email": p.email, "password": ""},
		{"email": p.email, "password": password + strings.Repeat("x", 200)},
		{"email": "nobody@example.org", "password": password},
		{"email": "", "password": "nobody has this password"},
	} {
		s.anybody(t).do(t, "POST", "/auth/login", body).problem(t, 401, "wrong-credentials")
	}
}

func TestTriesAreLimited(t *testing.T) {
	s := newServer(t, func(c *api.Config, _ *api.Deps) {
		c.Limits = users.Limits{
			RegisterPerIP: 1, LoginPerIP: 20, LoginPerAccount: 3, RefreshPerIP: 2,
		}
	})
	p, other := s.someone(t, store.RoleCandidate), s.someone(t, store.RoleCandidate)
	for range 5 {
		p.signIn(t) // right ones do not count
	}
	wrong := map[string]any{"email": p.email, "password": "wrong password"}
	for range 3 {
		p.do(t, "POST", "/auth/login", wrong).expect(t, 401)
	}
	a := p.do(t, "POST", "/auth/login", wrong)
	a.problem(t, 429, "limit")
	if a.Header.Get("Retry-After") == "" {
		t.Error("Retry-After is missing")
	}
	other.signIn(t)
	for range 2 {
		p.do(t, "POST", "/auth/refresh", map[string]any{"refresh_token": p.refresh}).expect(t, 200)
	}
	p.do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": p.refresh,
	}).problem(t, 429, "limit")
}

func TestAccessToken(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	profile := func() answer { return p.do(t, "GET", "/api/users/profile", nil) }
	profile().expect(t, 200)
	good := p.access
	for _, bad := range []string{
		"nonsense", good[:len(good)-2], good + "x", strings.Repeat("a", 5000),
		"eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + ".", // alg none
	} {
		p.access = bad
		a := profile()
		a.problem(t, 401, "unauthenticated")
		if a.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Error("WWW-Authenticate is missing")
		}
	}
	p.access = ""
	profile().problem(t, 401, "unauthenticated")
	p.do(t, "GET", "/api/users/profile", nil, "Authorization",
		"Basic "+good).problem(t, 401, "unauthenticated")

	ticket, _, err := s.sessions.Ticket(store.Join{UserID: p.id, SessionID: "x", AttemptID: "y"})
	if err != nil {
		t.Fatal(err)
	}
	p.access = ticket
	profile().problem(t, 401, "unauthenticated") // a token of another kind

	p.access = good
	s.forward(11 * time.Minute)
	profile().problem(t, 401, "expired")
}

func TestRefresh(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	refresh := func(token string) answer {
		return p.do(t, "POST", "/auth/refresh", map[string]any{"refresh_token": token})
	}
	var second, third, again users.Grant
	first := p.refresh
	refresh(first).expect(t, 200).into(t, &second)
	refresh(first).expect(t, 200).into(t, &again)
	if again.RefreshToken != second.RefreshToken || second.RefreshToken == first {
		t.Error("the parent should be answered with the current token")
	}
	refresh(second.RefreshToken).expect(t, 200).into(t, &third)

	for _, made := range []string{
		"", "x", strings.Repeat("A", 86),
		third.RefreshToken[:40] + "AAAA" + third.RefreshToken[44:],
	} {
		refresh(made).expect(t, 401)
	}
	// tokens that were made up end nothing
	refresh(third.RefreshToken).expect(t, 200).into(t, &third)

	refresh(first).problem(t, 401, "refresh-reused")
	refresh(third.RefreshToken).problem(t, 401, "session-ended")
	p.access = third.AccessToken
	p.do(t, "GET", "/api/users/profile", nil).expect(t, 401)
	if len(s.ended) != 1 {
		t.Errorf("told of %d ended sessions", len(s.ended))
	}
}

func TestRefreshTogether(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	grants := make([]users.Grant, 50)
	var all sync.WaitGroup
	for i := range grants {
		all.Go(func() {
			a := p.do(t, "POST", "/auth/refresh", map[string]any{"refresh_token": p.refresh})
			if a.StatusCode != 200 {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
				return
			}
			a.into(t, &grants[i])
		})
	}
	all.Wait()
	for _, g := range grants {
		if g.RefreshToken != grants[0].RefreshToken {
			t.Fatal("there were two winners")
		}
	}
	p.access = grants[49].AccessToken
	p.do(t, "GET", "/api/users/profile", nil).expect(t, 200)
	p.do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": grants[0].RefreshToken,
	}).expect(t, 200)
}

func TestRefreshInCookie(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	p.access = ""
	a := p.do(t, "POST", "/auth/login", map[string]any{
		"email": p.email, "password": password, "refresh_in": "cookie",
	}).expect(t, 200)
	var g users.Grant
	a.into(t, &g)
	if g.RefreshToken != "" || len(a.Cookies()) != 1 {
		t.Fatalf("body %s, cookies %v", a.body, a.Cookies())
	}
	c := a.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/auth" || c.Secure {
		t.Errorf("cookie %v", c)
	}
	a = p.do(t, "POST", "/auth/refresh", nil).expect(t, 200)
	if len(a.Cookies()) != 1 || a.Cookies()[0].Value == c.Value {
		t.Errorf("the cookie was not replaced: %v", a.Cookies())
	}
	p.do(t, "POST", "/auth/refresh", nil, "Sec-Fetch-Site",
		"cross-site").problem(t, 403, "forbidden")
	p.do(t, "POST", "/auth/refresh", nil, "Origin",
		"https://evil.example").problem(t, 403, "forbidden")
	p.do(t, "POST", "/auth/logout", nil).expect(t, 204)
	p.do(t, "POST", "/auth/refresh", nil).problem(t, 401, "unauthenticated") // the cookie is gone

	secure := newServer(t, func(c *api.Config, _ *api.Deps) {
		c.PublicURL = "https://bedside.example"
	})
	q := secure.someone(t, store.RoleCandidate)
	a = q.do(t, "POST", "/auth/login", map[string]any{
		"email": q.email, "password": password, "refresh_in": "cookie",
	}).expect(t, 200)
	if !a.Cookies()[0].Secure || a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("over https: %v", a.Cookies()[0])
	}
}

func TestSignOut(t *testing.T) {
	s := newServer(t)
	byAccess, byRefresh := s.someone(t, store.RoleCandidate), s.someone(t, store.RoleCandidate)
	byAccess.do(t, "POST", "/auth/logout", nil).expect(t, 204)
	byRefresh.do(t, "POST", "/auth/logout", map[string]any{"refresh_token": byRefresh.refresh},
		"Authorization", "").expect(t, 204)
	for _, p := range []*person{byAccess, byRefresh} {
		p.do(t, "GET", "/api/users/profile", nil).problem(t, 401, "unauthenticated")
		p.do(t, "POST", "/auth/refresh", map[string]any{
			"refresh_token": p.refresh,
		}).problem(t, 401, "session-ended")
	}
	if len(s.ended) != 2 {
		t.Errorf("told of %d ended sessions", len(s.ended))
	}
	s.anybody(t).do(t, "POST", "/auth/logout", nil).problem(t, 401, "unauthenticated")
	stale := s.someone(t, store.RoleCandidate)
	stale.do(t, "POST", "/auth/logout", map[string]any{
		"refresh_token": "of another server",
	}).expect(t, 204)
	stale.do(t, "GET", "/api/users/profile", nil).expect(t, 401)
}

func TestTickets(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	principal, err := s.sessions.Authenticate(t.Context(), p.access)
	if err != nil {
		t.Fatal(err)
	}
	join := store.Join{
		AttemptID: "attempt", UserID: p.id, SessionID: principal.SessionID, Name: "Dana",
		Role: store.ParticipantCandidate,
	}
	ticket := func() string {
		t.Helper()
		text, _, err := s.sessions.Ticket(join)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	expect := func(ticket string, want, sentinel error) {
		t.Helper()
		if _, err := s.sessions.VerifyTicket(t.Context(), ticket); !errors.Is(err, want) ||
			!errors.Is(err, sentinel) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	used := ticket()
	got, err := s.sessions.VerifyTicket(t.Context(), used)
	got.Expires = time.Time{}
	if err != nil || got != join {
		t.Fatalf("got %+v, %v", got, err)
	}
	expect(used, auth.ErrTicketUsed, store.ErrReused)
	expect(p.access, auth.ErrTicketForged, store.ErrUnauthenticated)
	expect("", auth.ErrTicketForged, store.ErrUnauthenticated)
	expect(ticket()+"x", auth.ErrTicketForged, store.ErrUnauthenticated)

	late := ticket()
	s.forward(2 * time.Minute)
	expect(late, auth.ErrTicketExpired, store.ErrExpired)
	left := ticket()
	p.do(t, "POST", "/auth/logout", nil).expect(t, 204)
	expect(left, auth.ErrTicketEnded, store.ErrForbidden)
}

func TestKeysCanBeReplaced(t *testing.T) {
	old, fresh := auth.Key{ID: "old", Secret: make([]byte, 32)}, auth.Key{
		ID: "new", Secret: []byte(strings.Repeat("n", 32)),
	}
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	u, err := db.User(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	with := func(keys ...auth.Key) *auth.Sessions {
		x, err := auth.NewSessions(auth.Config{Keys: keys}, db, s.presence)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	g, err := with(old).Start(t.Context(), u, auth.Device{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := with(fresh, old).Authenticate(t.Context(), g.Access); err != nil {
		t.Error(err)
	}
	if _, err := with(fresh).Authenticate(t.Context(), g.Access); !errors.Is(err,
		store.ErrUnauthenticated) {
		t.Errorf("without the old key: %v", err)
	}
	if g, err = with(fresh, old).Refresh(t.Context(), g.Refresh); err != nil {
		t.Fatal(err)
	}
	if _, err := with(fresh).Refresh(t.Context(), g.Refresh); err != nil {
		t.Errorf("what the new key gave: %v", err)
	}
	for name, keys := range map[string][]auth.Key{
		"none": nil, "short": {{ID: "s", Secret: []byte("short")}}, "twice": {old, old},
	} {
		if _, err := auth.NewSessions(auth.Config{Keys: keys}, db, s.presence); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
