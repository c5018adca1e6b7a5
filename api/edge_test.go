package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/store"
)

// TestOtherSpellingsOfIDs checks that an id in a spelling of its own is the id of nothing, in
// every operation that takes one.
func TestOtherSpellingsOfIDs(t *testing.T) {
	s := apitest.NewServer(t)
	admin := s.NewUser(t, store.RoleAdmin)
	attempt := admin.NewAttempt(t)
	for _, at := range []string{
		"GET /api/users/", "GET /api/attempts/", "GET /api/sessions/user/",
	} {
		method, path, _ := strings.Cut(at, " ")
		id := admin.ID
		if strings.Contains(path, "attempts") {
			id = attempt
		}
		admin.Do(t, method, path+id, nil).Expect(t, 200)
		for _, spelling := range []string{
			"urn:uuid:" + id, "%7B" + id + "%7D", strings.ToUpper(id),
			strings.ReplaceAll(id, "-", ""), id + "0", "x", "%00", strings.Repeat("a", 300),
		} {
			admin.Do(t, method, path+spelling, nil).Problem(t, 404, "not-found")
		}
	}
	upper := strings.ToUpper(attempt)
	admin.Do(t, "POST", "/api/attempts/"+upper+"/ticket", nil).Problem(t, 404, "not-found")
	admin.Do(t, "GET", "/api/attempts/"+upper+"/report", nil).Problem(t, 404, "not-found")
	admin.Do(t, "DELETE", "/api/sessions/urn:uuid:"+admin.ID, nil).Problem(t, 404, "not-found")
	braces := "%7B" + admin.ID + "%7D"
	for _, query := range []string{
		"/api/users?before=" + braces, "/api/attempts?before=" + braces,
		"/api/audit?before=" + braces, "/api/audit?user=" + braces,
		"/api/audit?user=" + strings.ToUpper(admin.ID), "/api/attempts?before=urn:uuid:" + attempt,
	} {
		if a := admin.Do(t, "GET", query, nil); a.StatusCode != 404 && a.StatusCode != 422 {
			t.Errorf("%s: %d %s", query, a.StatusCode, a.Data)
		}
	}
}

func TestPersonalAnswersAreNotStored(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleAdmin)
	done := s.NewReport(t, p, s.NewUser(t, store.RoleTutor))
	for _, path := range []string{
		"/api/users/profile", "/api/users/profile/factors", "/api/users", "/api/users/" + p.ID,
		"/api/sessions", "/api/attempts", "/api/attempts/" + done,
		"/api/attempts/" + done + "/report", "/api/attempts/" + done + "/audio/candidate",
		"/api/scenarios", "/api/audit", "/api/rooms", "/users/profile",
	} {
		a := p.Do(t, "GET", path, nil).Expect(t, 200)
		if got := a.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
	if a := p.Login(t, p.Email, apitest.Password); a.Header.Get("Cache-Control") != "no-store" {
		t.Error("a grant may be stored")
	}
}

func TestAmbiguousKeysAreRefused(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	for body, status := range map[string]int{
		`{"email":%q,"password":%q}`:                            200,
		`{"email":%q,"password":%q,"password":"x"}`:             422,
		`{"email":%q,"password":%q,"Password":"x"}`:             422,
		`{"email":%q,"Password":%q}`:                            422,
		`{"email":%q,"password":%q,"\u0065mail":"x@y.example"}`: 422,
	} {
		a := s.NewClient(t).Do(t, "POST", "/auth/login", fmt.Sprintf(body, p.Email,
			apitest.Password))
		if a.Expect(t, status); status != 200 {
			a.Problem(t, 422, "invalid")
		}
	}
}

// TestPathsWithoutAPI checks that the paths of older clients answer exactly like their twins.
// TestContentPaths checks that /api/content is another name for /api before the content's paths,
// and before no others.
func TestContentPaths(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	for path, want := range map[string]int{
		"/api/content/scenarios":                                  200,
		"/api/v1/content/scenarios":                               200,
		"/api/content/scenarios/" + apitest.ScenarioSlug:          200,
		"/api/content/progress":                                   200,
		"/api/content/protected/progress/" + apitest.ScenarioSlug: 200,
		"/api/content/media/0190d2a0-0000-7000-8000-00000000ffff": 404,
		"/api/content/users/profile":                              404,
		"/api/content/protected/attempts":                         404,
		"/api/content/protected/protected/progress/nursing":       404,
		"/api/content": 404,
		"/api/content/scenarios/../users/profile": 404,
		"/api/content/content/scenarios":          404,
	} {
		if a := p.Do(t, "GET", path, nil); a.StatusCode != want {
			t.Errorf("%s: %d, want %d: %s", path, a.StatusCode, want, a.Data)
		}
	}
	a := p.Do(t, "POST", "/api/content/protected/media/upload", map[string]any{})
	a.Problem(t, 415, "unsupported-media-type")
	a = p.Do(t, "GET", "/api/content/media/0190d2a0-0000-7000-8000-00000000ffff", nil)
	if p := a.Problem(t, 404, "not-found"); strings.Contains(p.Detail, "at this address") {
		t.Errorf("media: %s", p.Detail)
	}
}

func TestPathsWithoutAPI(t *testing.T) {
	s := apitest.NewServer(t, func(_ *api.Config, d *api.Deps) {
		d.Web = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "page")
		})
	})
	p := s.NewUser(t, store.RoleCandidate)
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/users/profile", nil},
		{"HEAD", "/users/profile", nil},
		{"PATCH", "/users/profile", map[string]any{"name": "Dana"}},
		{"DELETE", "/users/profile/factors/totp", nil},
		{"GET", "/users/profile/nothing", nil},
		{"BREW", "/users/profile", nil},
		{"GET", "/sessions", nil},
		{"PUT", "/sessions", nil},
		{"GET", "/sessions/user/" + p.ID, nil},
		{"DELETE", "/sessions/" + p.ID, nil},
		{"DELETE", "/sessions/%2e", nil},
		{"POST", "/sessions/validate", map[string]any{"access_token": "x"}},
		{"POST", "/sessions", map[string]any{"email": "nobody@example.org", "password": "x"}},
	} {
		twin := p.Do(t, c.method, "/api"+c.path, c.body)
		got := p.Do(t, c.method, c.path, c.body)
		body := func(r apitest.Response) string { // the instance is the id of the request
			text, _, _ := strings.Cut(string(r.Data), `"instance"`)
			if r.Request.Method == http.MethodPatch {
				text, _, _ = strings.Cut(text, `"updated_at"`)
			}
			return text
		}
		if got.StatusCode != twin.StatusCode || body(got) != body(twin) ||
			got.Header.Get("Content-Type") != twin.Header.Get("Content-Type") ||
			got.Header.Get("Allow") != twin.Header.Get("Allow") {
			t.Errorf("%s %s: %d %s, its twin %d %s", c.method, c.path, got.StatusCode, got.Data,
				twin.StatusCode, twin.Data)
		}
	}
	for _, path := range []string{"/users", "/users/profiles", "/sessionsx", "/admin/users"} {
		if a := p.Do(t, "GET", path, nil).Expect(t, 200); string(a.Data) != "page" {
			t.Errorf("%s: %s", path, a.Data)
		}
	}
}

// TestAPIPathsNeverGetThePage checks that a client of the API gets a problem and no web page,
// however it misspells a path.
func TestAPIPathsNeverGetThePage(t *testing.T) {
	s := apitest.NewServer(t, func(_ *api.Config, d *api.Deps) {
		d.Web = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "page")
		})
	})
	p := s.NewClient(t)
	for _, path := range []string{
		"/api", "/api/", "/api/nothing", "/API/scenarios", "//api/scenarios", "/api/v1",
		"/api/v2/x", "/api/scenarios/", "/auth", "/auth/nothing", "/Auth/login/", "/api%2Fnothing",
		"/dev/outbox", "/api/../api/x", "/health/nothing", "/./auth/x", "/sessions/a/b/c",
		"/users/profile/x/y",
	} {
		for _, method := range []string{"GET", "POST"} {
			a := p.Do(t, method, path, nil)
			if a.StatusCode != 404 && a.StatusCode != 405 || a.Header.Get("Content-Type") !=
				"application/problem+json" {
				t.Errorf("%s %s: %d %s", method, path, a.StatusCode, a.Data)
			}
		}
	}
	a := p.Do(t, "POST", "/attempts", nil)
	a.Problem(t, 405, "method-not-allowed")
	if a.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
}
