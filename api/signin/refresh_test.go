package signin_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"bedside/api/apitest"
	"bedside/api/signin"
	"bedside/store"
)

func TestRefresh(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	refresh := func(token string) apitest.Response {
		return p.Do(t, "POST", "/auth/refresh", map[string]any{"refresh_token": token})
	}
	var second, third, again signin.Grant
	first := p.Refresh
	refresh(first).Expect(t, 200).Decode(t, &second)
	refresh(first).Expect(t, 200).Decode(t, &again)
	if again.RefreshToken != second.RefreshToken || second.RefreshToken == first {
		t.Error("the previous token is not answered with the current one")
	}
	refresh(second.RefreshToken).Expect(t, 200).Decode(t, &third)

	for _, invented := range []string{
		"x", strings.Repeat("A", 86),
		third.RefreshToken[:40] + "AAAA" + third.RefreshToken[44:],
	} {
		refresh(invented).Expect(t, 401)
	}
	// invented tokens do not end the session
	refresh(third.RefreshToken).Expect(t, 200).Decode(t, &third)

	refresh(first).Problem(t, 401, "refresh-reused")
	refresh(third.RefreshToken).Problem(t, 401, "session-ended")
	p.Access = third.AccessToken
	p.Do(t, "GET", "/api/users/profile", nil).Expect(t, 401)
	if n := len(s.EndedSessions()); n != 1 {
		t.Errorf("%d sessions ended, want 1", n)
	}
}

func TestConcurrentRefreshesGetTheSameToken(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	grants := make([]signin.Grant, 50)
	var all sync.WaitGroup
	for i := range grants {
		all.Go(func() {
			a := p.SendRefresh(t)
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
			t.Fatal("two requests got different tokens")
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
	var g signin.Grant
	a.Decode(t, &g)
	if g.RefreshToken != "" || len(a.Cookies()) != 2 { // the other one is the device's
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
	p.Do(t, "POST", "/auth/refresh", nil, "Sec-Fetch-Site", "cross-site").
		Problem(t, 403, "forbidden")
	p.Do(t, "POST", "/auth/refresh", nil, "Origin", "https://evil.example").
		Problem(t, 403, "forbidden")
	p.Do(t, "POST", "/auth/logout", nil).Expect(t, 204)
	// The cookie is gone.
	if a := p.Do(t, "POST", "/auth/refresh", nil).Expect(t, 204); len(a.Data) != 0 {
		t.Errorf("nobody is signed in, but the body is %s", a.Data)
	}

	secure := apitest.NewServer(t, apitest.PublicURL("https://bedside.example"))
	q := secure.NewUser(t, store.RoleCandidate)
	a = q.Do(t, "POST", "/auth/login", map[string]any{
		"email": q.Email, "password": apitest.Password, "refresh_in": "cookie",
	}).Expect(t, 200)
	c = a.Cookies()[0]
	if len(a.Cookies()) != 2 || c.Name != "__Host-bedside_refresh" || c.Path != "/" ||
		a.Cookies()[1].Name != "__Host-bedside_device" || !c.Secure || !c.HttpOnly ||
		c.Domain != "" || c.SameSite != http.SameSiteStrictMode ||
		a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("cookies over https: %v", a.Cookies())
	}
	// The jar keeps no secure cookies of a test server without TLS.
	with := func(cookies string) apitest.Response {
		return q.Do(t, "POST", "/auth/refresh", nil, "Cookie", cookies)
	}
	with("__Host-bedside_refresh="+c.Value+"; bedside_refresh=planted").Expect(t, 200)
	// A browser that signed in before the name had a prefix stays signed in, and changes over.
	a = with("bedside_refresh="+q.Refresh).Expect(t, 200)
	if list := a.Cookies(); len(list) != 2 || list[0].Name != "__Host-bedside_refresh" ||
		list[0].Value == "" || list[1].Name != "bedside_refresh" || list[1].MaxAge >= 0 ||
		list[1].Path != "/auth" {
		t.Errorf("cookies after a refresh by the old name: %v", list)
	}
	a = q.Do(t, "POST", "/auth/logout", nil, "Cookie",
		"__Host-bedside_refresh="+a.Cookies()[0].Value).Expect(t, 204)
	for _, gone := range a.Cookies() {
		if gone.MaxAge >= 0 {
			t.Errorf("signing out leaves %v", gone)
		}
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
		p.SendRefresh(t).Problem(t, 401, "session-ended")
	}
	if n := len(s.EndedSessions()); n != 2 {
		t.Errorf("%d sessions ended, want 2", n)
	}
	s.NewClient(t).Do(t, "POST", "/auth/logout", nil).Problem(t, 401, "unauthenticated")
	stale := s.NewUser(t, store.RoleCandidate)
	stale.Do(t, "POST", "/auth/logout", map[string]any{
		"refresh_token": "of another server",
	}).Expect(t, 204)
	stale.Do(t, "GET", "/api/users/profile", nil).Expect(t, 401)
}
