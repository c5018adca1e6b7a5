package api_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/auth"
	"bedside/api/users"
	"bedside/store"
)

func TestRegisterAndSignIn(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewClient(t)
	body := map[string]any{
		"email": " Dana.K+1@Example.ORG ", "password": apitest.Password, "name": " Dana Kovač ",
		"profession": "nursing",
	}
	first := p.Do(t, "POST", "/auth/register", body).Expect(t, 202)
	var g users.Grant
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": "DANA.K+1@example.org", "password": apitest.Password,
	}).Expect(t, 200).Decode(t, &g)
	if g.User.Email != "dana.k+1@example.org" || g.User.Name != "Dana Kovač" ||
		g.User.Role != store.RoleCandidate || g.User.EmailVerified || g.RefreshToken == "" ||
		g.ExpiresIn != 600 || g.TokenType != "Bearer" {
		t.Errorf("grant %+v", g)
	}
	body["password"], body["name"] = "another password", "Somebody else"
	again := p.Do(t, "POST", "/auth/register", body).Expect(t, 202)
	if string(first.Data) != string(again.Data) ||
		string(first.Data) != `{"email":"dana.k+1@example.org","status":"check_mail"}`+"\n" {
		t.Errorf("%s and %s tell whether there is an account", first.Data, again.Data)
	}
	for name := range first.Header {
		if name != "X-Request-Id" && name != "Date" &&
			first.Header.Get(name) != again.Header.Get(name) {
			t.Errorf("header %s tells whether there is an account", name)
		}
	}
	p.Do(t, "POST", "/auth/login", map[string]any{
		"email": "dana.k+1@example.org", "password": "another password",
	}).Problem(t, 401, "wrong-credentials")
	p.Access = g.AccessToken
	var me users.User
	for _, path := range []string{"/api/users/profile", "/api/v1/users/profile"} {
		p.Do(t, "GET", path, nil).Expect(t, 200).Decode(t, &me)
		if me != g.User {
			t.Errorf("profile %+v", me)
		}
	}
}

func TestRegisterRefuses(t *testing.T) {
	s := apitest.NewServer(t)
	good := func() map[string]any {
		return map[string]any{
			"email":    "new@example.org",
			"password": apitest.Password,
			"name":     "New",
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

func TestSignInRefuses(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	for _, body := range []map[string]any{
		{"email": p.Email, "password": apitest.Password + "x"},
		{"email": p.Email, "password": ""},
		{"email": p.Email, "password": apitest.Password + strings.Repeat("x", 200)},
		{"email": "nobody@example.org", "password": apitest.Password},
		{"email": "", "password": "nobody has this password"},
	} {
		s.NewClient(t).Do(t, "POST", "/auth/login", body).Problem(t, 401, "wrong-credentials")
	}
}

func TestTriesAreLimited(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.Limits = users.Limits{
			RegisterPerIP: 1, LoginPerIP: 20, LoginPerAccount: 3, RefreshPerIP: 2,
		}
	})
	p, other := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	for range 5 {
		p.SignIn(t) // right ones do not count
	}
	wrong := map[string]any{"email": p.Email, "password": "wrong password"}
	for range 3 {
		p.Do(t, "POST", "/auth/login", wrong).Expect(t, 401)
	}
	a := p.Do(t, "POST", "/auth/login", wrong)
	a.Problem(t, 429, "limit")
	if a.Header.Get("Retry-After") == "" {
		t.Error("Retry-After is missing")
	}
	other.SignIn(t)
	for range 2 {
		p.Do(t, "POST", "/auth/refresh", map[string]any{"refresh_token": p.Refresh}).Expect(t, 200)
	}
	p.Do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": p.Refresh,
	}).Problem(t, 429, "limit")
}

func TestAccessToken(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	profile := func() apitest.Response { return p.Do(t, "GET", "/api/users/profile", nil) }
	profile().Expect(t, 200)
	good := p.Access
	for _, bad := range []string{
		"nonsense", good[:len(good)-2], good + "x", strings.Repeat("a", 5000),
		"eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + ".", // alg none
	} {
		p.Access = bad
		a := profile()
		a.Problem(t, 401, "unauthenticated")
		if a.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Error("WWW-Authenticate is missing")
		}
	}
	p.Access = ""
	profile().Problem(t, 401, "unauthenticated")
	p.Do(t, "GET", "/api/users/profile", nil, "Authorization",
		"Basic "+good).Problem(t, 401, "unauthenticated")

	ticket, _, err := s.Sessions.Ticket(store.Join{UserID: p.ID, SessionID: "x", AttemptID: "y"})
	if err != nil {
		t.Fatal(err)
	}
	p.Access = ticket
	profile().Problem(t, 401, "unauthenticated") // a token of another kind

	p.Access = good
	s.Forward(11 * time.Minute)
	profile().Problem(t, 401, "expired")
}

func TestRefresh(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	refresh := func(token string) apitest.Response {
		return p.Do(t, "POST", "/auth/refresh", map[string]any{"refresh_token": token})
	}
	var second, third, again users.Grant
	first := p.Refresh
	refresh(first).Expect(t, 200).Decode(t, &second)
	refresh(first).Expect(t, 200).Decode(t, &again)
	if again.RefreshToken != second.RefreshToken || second.RefreshToken == first {
		t.Error("the parent should be answered with the current token")
	}
	refresh(second.RefreshToken).Expect(t, 200).Decode(t, &third)

	for _, made := range []string{
		"", "x", strings.Repeat("A", 86),
		third.RefreshToken[:40] + "AAAA" + third.RefreshToken[44:],
	} {
		refresh(made).Expect(t, 401)
	}
	// tokens that were made up end nothing
	refresh(third.RefreshToken).Expect(t, 200).Decode(t, &third)

	refresh(first).Problem(t, 401, "refresh-reused")
	refresh(third.RefreshToken).Problem(t, 401, "session-ended")
	p.Access = third.AccessToken
	p.Do(t, "GET", "/api/users/profile", nil).Expect(t, 401)
	if len(s.EndedSessions()) != 1 {
		t.Errorf("told of %d ended sessions", len(s.EndedSessions()))
	}
}

func TestRefreshTogether(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	grants := make([]users.Grant, 50)
	var all sync.WaitGroup
	for i := range grants {
		all.Go(func() {
			a := p.Do(t, "POST", "/auth/refresh", map[string]any{"refresh_token": p.Refresh})
			if a.StatusCode != 200 {
				t.Errorf("status %d: %s", a.StatusCode, a.Data)
				return
			}
			a.Decode(t, &grants[i])
		})
	}
	all.Wait()
	for _, g := range grants {
		if g.RefreshToken != grants[0].RefreshToken {
			t.Fatal("there were two winners")
		}
	}
	p.Access = grants[49].AccessToken
	p.Do(t, "GET", "/api/users/profile", nil).Expect(t, 200)
	p.Do(t, "POST", "/auth/refresh", map[string]any{
		"refresh_token": grants[0].RefreshToken,
	}).Expect(t, 200)
}

func TestRefreshInCookie(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	p.Access = ""
	a := p.Do(t, "POST", "/auth/login", map[string]any{
		"email": p.Email, "password": apitest.Password, "refresh_in": "cookie",
	}).Expect(t, 200)
	var g users.Grant
	a.Decode(t, &g)
	if g.RefreshToken != "" || len(a.Cookies()) != 1 {
		t.Fatalf("body %s, cookies %v", a.Data, a.Cookies())
	}
	c := a.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/auth" || c.Secure {
		t.Errorf("cookie %v", c)
	}
	a = p.Do(t, "POST", "/auth/refresh", nil).Expect(t, 200)
	if len(a.Cookies()) != 1 || a.Cookies()[0].Value == c.Value {
		t.Errorf("the cookie was not replaced: %v", a.Cookies())
	}
	p.Do(t, "POST", "/auth/refresh", nil, "Sec-Fetch-Site",
		"cross-site").Problem(t, 403, "forbidden")
	p.Do(t, "POST", "/auth/refresh", nil, "Origin",
		"https://evil.example").Problem(t, 403, "forbidden")
	p.Do(t, "POST", "/auth/logout", nil).Expect(t, 204)
	p.Do(t, "POST", "/auth/refresh", nil).Problem(t, 401, "unauthenticated") // the cookie is gone

	secure := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.PublicURL = "https://bedside.example"
	})
	q := secure.NewUser(t, store.RoleCandidate)
	a = q.Do(t, "POST", "/auth/login", map[string]any{
		"email": q.Email, "password": apitest.Password, "refresh_in": "cookie",
	}).Expect(t, 200)
	if !a.Cookies()[0].Secure || a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("over https: %v", a.Cookies()[0])
	}
}

func TestSignOut(t *testing.T) {
	s := apitest.NewServer(t)
	byAccess, byRefresh := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleCandidate)
	byAccess.Do(t, "POST", "/auth/logout", nil).Expect(t, 204)
	byRefresh.Do(t, "POST", "/auth/logout", map[string]any{"refresh_token": byRefresh.Refresh},
		"Authorization", "").Expect(t, 204)
	for _, p := range []*apitest.Client{byAccess, byRefresh} {
		p.Do(t, "GET", "/api/users/profile", nil).Problem(t, 401, "unauthenticated")
		p.Do(t, "POST", "/auth/refresh", map[string]any{
			"refresh_token": p.Refresh,
		}).Problem(t, 401, "session-ended")
	}
	if len(s.EndedSessions()) != 2 {
		t.Errorf("told of %d ended sessions", len(s.EndedSessions()))
	}
	s.NewClient(t).Do(t, "POST", "/auth/logout", nil).Problem(t, 401, "unauthenticated")
	stale := s.NewUser(t, store.RoleCandidate)
	stale.Do(t, "POST", "/auth/logout", map[string]any{
		"refresh_token": "of another server",
	}).Expect(t, 204)
	stale.Do(t, "GET", "/api/users/profile", nil).Expect(t, 401)
}

func TestTickets(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	principal, err := s.Sessions.Authenticate(t.Context(), p.Access)
	if err != nil {
		t.Fatal(err)
	}
	join := store.Join{
		AttemptID: "attempt", UserID: p.ID, SessionID: principal.SessionID, Name: "Dana",
		Role: store.ParticipantCandidate,
	}
	ticket := func() string {
		t.Helper()
		text, _, err := s.Sessions.Ticket(join)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	expect := func(ticket string, want, sentinel error) {
		t.Helper()
		if _, err := s.Sessions.VerifyTicket(t.Context(), ticket); !errors.Is(err, want) ||
			!errors.Is(err, sentinel) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	used := ticket()
	got, err := s.Sessions.VerifyTicket(t.Context(), used)
	got.Expires = time.Time{}
	if err != nil || got != join {
		t.Fatalf("got %+v, %v", got, err)
	}
	expect(used, auth.ErrTicketUsed, store.ErrReused)
	expect(p.Access, auth.ErrTicketForged, store.ErrUnauthenticated)
	expect("", auth.ErrTicketForged, store.ErrUnauthenticated)
	expect(ticket()+"x", auth.ErrTicketForged, store.ErrUnauthenticated)

	late := ticket()
	s.Forward(2 * time.Minute)
	expect(late, auth.ErrTicketExpired, store.ErrExpired)
	left := ticket()
	p.Do(t, "POST", "/auth/logout", nil).Expect(t, 204)
	expect(left, auth.ErrTicketEnded, store.ErrForbidden)
}

func TestKeysCanBeReplaced(t *testing.T) {
	old, fresh := auth.Key{ID: "old", Secret: make([]byte, 32)}, auth.Key{
		ID: "new", Secret: []byte(strings.Repeat("n", 32)),
	}
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	u, err := s.DB.User(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	with := func(keys ...auth.Key) *auth.Sessions {
		x, err := auth.NewSessions(auth.Config{Keys: keys}, s.DB, s.Presence)
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
		if _, err := auth.NewSessions(auth.Config{Keys: keys}, s.DB, s.Presence); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
