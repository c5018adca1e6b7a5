package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/health"
	"bedside/store"

	"github.com/klauspost/compress/zstd"
)

func TestBadBodiesAreRejectedWithoutEcho(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	login := func(body string, headers ...string) apitest.Response {
		return s.NewClient(t).Do(t, "POST", "/auth/login", body, headers...)
	}
	credentials := fmt.Sprintf(`{"email":%q,"password":%q}`, p.Email, apitest.Password)
	login(credentials).Expect(t, 200)
	login(credentials, "Content-Type", "application/json; charset=utf-8").Expect(t, 200)
	login(credentials, "Content-Type", "").Problem(t, 415, "unsupported-media-type")
	login(credentials, "Content-Type", "text/plain").Problem(t, 415, "unsupported-media-type")
	login("email=x&password=y", "Content-Type",
		"application/x-www-form-urlencoded").Problem(t, 415, "unsupported-media-type")
	login("").Expect(t, 400)
	login(`{"email":`).Problem(t, 400, "bad-request")
	login(credentials+credentials).Problem(t, 400, "bad-request")
	login(`[]`).Problem(t, 422, "invalid")
	login(`null`).Problem(t, 422, "invalid")
	login(`{"email":"a","password":"b","extra":1}`).Problem(t, 422, "invalid")
	login(strings.Repeat("[", 20000)).Problem(t, 400, "bad-request")
	login(`{"email":"`+strings.Repeat("x", 70000)+`"}`).Problem(t, 413, "request-entity-too-large")

	secret := "my secret password is in a wrong place"
	if a := login(`{"email":"a","password":["` + secret +
		`"]}`); strings.Contains(string(a.Data), secret) {
		t.Errorf("the response repeats the secret: %s", a.Data)
	}
	for _, bad := range []string{
		`{"email":"` + secret, `"` + secret + `"`,
		`{"` + "email" + `":"` + secret + `","password":1}`,
	} {
		if a := login(bad); strings.Contains(string(a.Data), secret) {
			t.Errorf("the response repeats the secret: %s", a.Data)
		}
	}
	if strings.Contains(s.Log.String(), secret) || strings.Contains(s.Log.String(), p.Access) ||
		strings.Contains(s.Log.String(), p.Refresh) {
		t.Error("a secret is in the log")
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	for _, path := range []string{
		"/api/nothing", "/api", "/auth", "/nothing", "/health/x", "/ws", "/api/v1/nothing",
	} {
		p.Do(t, "GET", path, nil).Problem(t, 404, "not-found")
	}
	a := p.Do(t, "DELETE", "/api/attempts", nil)
	a.Problem(t, 405, "method-not-allowed")
	if a.Header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow: %s", a.Header.Get("Allow"))
	}
	p.Do(t, "GET", "/auth/login", nil).Problem(t, 405, "method-not-allowed")
	p.Do(t, "HEAD", "/api/scenarios", nil).Expect(t, 200)
	p.Do(t, "GET", "/openapi.json", nil).Expect(t, 200)
	p.Do(t, "GET", "/docs/nothing", nil).Problem(t, 404, "not-found")
}

func TestWebPagesAndWebSocketAreServed(t *testing.T) {
	handler := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, name)
		})
	}
	s := apitest.NewServer(t, func(_ *api.Config, d *api.Deps) {
		d.Web, d.Socket = handler("web"), handler("socket")
	})
	p := s.NewClient(t)
	for path, want := range map[string]string{
		"/": "web", "/room/1": "web", "/ws": "socket", "/apiary": "web",
	} {
		if a := p.Do(t, "GET", path, nil).Expect(t, 200); string(a.Data) != want {
			t.Errorf("%s returns %s", path, a.Data)
		}
	}
	p.Do(t, "GET", "/api/nothing", nil).Problem(t, 404, "not-found")
}

func TestBareHandlerHasNoOperations(t *testing.T) {
	socket := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "socket")
	})
	log := slog.New(slog.DiscardHandler)
	parts, err := health.New(health.Config{}, log, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := api.NewBare(api.Config{}, api.Deps{
		Log: log, Socket: socket, Metrics: socket, Health: parts,
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/health": 200, "/health/ready": 200, "/metrics": 200, "/ws": 200, "/api/scenarios": 404,
		"/": 404,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestSocketCanHijack checks that no layer in front of the WebSocket hides the connection.
func TestSocketCanHijack(t *testing.T) {
	s := apitest.NewServer(t, func(_ *api.Config, d *api.Deps) {
		d.Socket = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\n\r\nhello")
			if err := rw.Flush(); err != nil {
				t.Error(err)
			}
		})
	})
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn,
		"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "101") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestSecurityHeaders(t *testing.T) {
	s := apitest.NewServer(t)
	a := s.NewClient(t).Do(t, "GET", "/health", nil).Expect(t, 200)
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "no-referrer", "Strict-Transport-Security": "",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; " +
			"base-uri 'none'; form-action 'none'",
		"Permissions-Policy": "microphone=(self), camera=(), geolocation=(), " +
			"payment=()",
		"Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if a.Header.Get("X-Request-Id") == "" {
		t.Error("no request id")
	}
	s = apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.PublicURL = "https://bedside.example"
	})
	a = s.NewClient(t).Do(t, "GET", "/health", nil).Expect(t, 200)
	if got := a.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("HSTS on https: %q", got)
	}
	s = apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.PublicURL, c.HSTSSubdomains = "https://bedside.example", true
	})
	a = s.NewClient(t).Do(t, "GET", "/health", nil).Expect(t, 200)
	if got := a.Header.Get("Strict-Transport-Security"); got !=
		"max-age=31536000; includeSubDomains" {
		t.Errorf("HSTS with subdomains: %q", got)
	}
}

func TestOnlyAllowedOriginsMayMakeRequests(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.AllowedOrigins = []string{"https://friend.example"}
	})
	p := s.NewUser(t, store.RoleCandidate)
	body := map[string]any{"email": p.Email, "password": apitest.Password}
	a := p.Do(t, "POST", "/auth/login", body, "Origin", "https://friend.example", "Sec-Fetch-Site",
		"cross-site").Expect(t, 200)
	if a.Header.Get("Access-Control-Allow-Origin") != "https://friend.example" {
		t.Errorf("headers %v", a.Header)
	}
	// An old browser on our own page sends no Sec-Fetch-Site.
	p.Do(t, "POST", "/auth/login", body, "Origin", s.URL).Expect(t, 200)
	preflight := p.Do(t, "OPTIONS", "/api/attempts", nil, "Origin", "https://friend.example",
		"Access-Control-Request-Method", "POST").Expect(t, 204)
	if preflight.Header.Get("Access-Control-Max-Age") == "" ||
		preflight.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("headers %v", preflight.Header)
	}
	preflight = p.Do(t, "OPTIONS", "/api/attempts", nil, "Origin", "https://evil.example",
		"Access-Control-Request-Method", "POST")
	if preflight.Header.Get("Access-Control-Allow-Origin") != "" ||
		preflight.Header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("headers %v", preflight.Header)
	}
	for _, origin := range []string{
		"https://evil.example", "null", "https://friend.example.evil.example",
	} {
		a := p.Do(t, "POST", "/auth/login", body, "Origin", origin, "Sec-Fetch-Site", "cross-site")
		a.Problem(t, 403, "forbidden")
		if a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is allowed", origin)
		}
	}
	for _, bad := range []string{"friend.example", "https://friend.example/path", "*"} {
		if _, err := api.New(api.Config{AllowedOrigins: []string{bad}}, api.Deps{}); err == nil {
			t.Errorf("%q was accepted as an origin", bad)
		}
	}
}

func TestHealthIsServedWithoutSignIn(t *testing.T) {
	s := apitest.NewServer(t)
	var a health.Answer
	s.NewClient(t).Do(t, "GET", "/health", nil).Expect(t, 200).Decode(t, &a)
	if a.Status != health.OK || a.Parts != nil {
		t.Errorf("/health: %+v", a)
	}
	s.NewClient(t).Do(t, "GET", "/health/ready", nil).Expect(t, 200).Decode(t, &a)
	if a.Status != health.OK || len(a.Parts) != 2 {
		t.Errorf("/health/ready: %+v", a)
	}
}

func TestMetricsCountRequestsByRoute(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	p.Do(t, "GET", "/api/attempts/"+p.NewAttempt(t), nil).Expect(t, 200)
	p.Do(t, "BREW", "/api/attempts", nil).Expect(t, 405)
	text := string(p.Do(t, "GET", "/metrics", nil).Expect(t, 200).Data)
	for _, want := range []string{
		`bedside_http_requests_total{method="GET",route="/api/attempts/{id}",status="200"} 1`,
		`bedside_http_requests_total{method="other",`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %s in\n%s", want, text)
		}
	}
}

func TestPanicIsLoggedAndNotShown(t *testing.T) {
	s := apitest.NewServer(t, func(_ *api.Config, d *api.Deps) {
		d.Web = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			panic("with a secret")
		})
	})
	a := s.NewClient(t).Do(t, "GET", "/", nil)
	a.Problem(t, 500, "internal")
	if strings.Contains(string(a.Data), "secret") ||
		!strings.Contains(s.Log.String(), "with a secret") {
		t.Errorf("body %s", a.Data)
	}
}

func TestDatabaseOutageIsUnavailable(t *testing.T) {
	s := apitest.NewServer(t, func(_ *api.Config, d *api.Deps) { d.Store = brokenStore{d.Store} })
	p := s.NewUser(t, store.RoleCandidate)
	a := p.Do(t, "GET", "/api/scenarios", nil)
	a.Problem(t, 503, "unavailable")
	if a.Header.Get("Retry-After") == "" || strings.Contains(string(a.Data), "dial") {
		t.Errorf("%v: %s", a.Header, a.Data)
	}
}

type brokenStore struct{ api.Store }

func (brokenStore) CatalogueGeneration(context.Context) (string, error) {
	return "", fmt.Errorf("scenarios: the database is %w: dial unix /secret",
		store.ErrUnavailable)
}

func TestCompression(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleTutor)
	plain := p.Do(t, "GET", "/api/scenarios/"+apitest.ScenarioSlug, nil, "Accept-Encoding",
		"identity").Expect(t, 200)
	zipped := p.Do(t, "GET", "/api/scenarios/"+apitest.ScenarioSlug, nil, "Accept-Encoding",
		"br, gzip;q=0.8").Expect(t, 200)
	if zipped.Header.Get("Content-Encoding") != "gzip" || len(zipped.Data) >= len(plain.Data) {
		t.Errorf("%d bytes, plain %d", len(zipped.Data), len(plain.Data))
	}
	// Twice each, because writers are reused.
	for _, accept := range []string{"gzip, zstd", "gzip", "zstd"} {
		for range 2 {
			a := p.Do(t, "GET", "/api/scenarios/"+apitest.ScenarioSlug, nil, "Accept-Encoding",
				accept).Expect(t, 200)
			var r io.Reader = bytes.NewReader(a.Data)
			var err error
			if coding := a.Header.Get("Content-Encoding"); coding == "zstd" {
				r, err = zstd.NewReader(r)
			} else if r, err = gzip.NewReader(r); coding != "gzip" {
				t.Errorf("Accept-Encoding %s: response has %q", accept, coding)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain.Data) {
				t.Errorf("%s: %d bytes, %v", accept, len(got), err)
			}
		}
	}
	for _, refusing := range []string{"gzip;q=0", "br"} {
		if a := p.Do(t, "GET", "/api/scenarios/"+apitest.ScenarioSlug, nil, "Accept-Encoding",
			refusing); a.Header.Get("Content-Encoding") != "" {
			t.Errorf("Accept-Encoding %s: response has %s", refusing,
				a.Header.Get("Content-Encoding"))
		}
	}
	if a := p.Do(t, "GET", "/api/users/profile", nil, "Accept-Encoding",
		"gzip"); a.Header.Get("Content-Encoding") != "" {
		t.Error("a short response was compressed")
	}
}

func TestRequestTimeLimit(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, d *api.Deps) {
		c.RequestTimeout = time.Second
		d.Store = slowStore{d.Store}
	})
	p := apitest.NewServer(t).NewUser(t, store.RoleCandidate) // signed in on a fast server
	p.Server = s
	p.Do(t, "GET", "/api/scenarios", nil).Problem(t, 503, "timeout")
}

type slowStore struct{ api.Store }

func (slowStore) CatalogueGeneration(ctx context.Context) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}
