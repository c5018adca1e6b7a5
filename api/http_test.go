package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
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
	"bedside/store"

	"github.com/klauspost/compress/zstd"
)

func TestBadRequests(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	login := func(body string, headers ...string) answer {
		return s.anybody(t).do(t, "POST", "/auth/login", body, headers...)
	}
	credentials := fmt.Sprintf(`{"email":%q,"password":%q}`, p.email, password)
	login(credentials).expect(t, 200)
	login(credentials, "Content-Type", "application/json; charset=utf-8").expect(t, 200)
	login(credentials, "Content-Type", "").problem(t, 415, "unsupported-media-type")
	login(credentials, "Content-Type", "text/plain").problem(t, 415, "unsupported-media-type")
	login("email=x&password=y", "Content-Type",
		"application/x-www-form-urlencoded").problem(t, 415, "unsupported-media-type")
	login("").expect(t, 400)
	login(`{"email":`).problem(t, 400, "bad-request")
	login(credentials+credentials).problem(t, 400, "bad-request")
	login(`[]`).problem(t, 422, "invalid")
	login(`null`).problem(t, 422, "invalid")
	login(`{"email":"a","password":"b","extra":1}`).problem(t, 422, "invalid")
	login(strings.Repeat("[", 20000)).problem(t, 400, "bad-request")
	login(`{"email":"`+strings.Repeat("x", 70000)+`"}`).problem(t, 413, "request-entity-too-large")

	secret := "my secret password is in a wrong place"
	if a := login(`{"email":"a","password":["` + secret +
		`"]}`); strings.Contains(string(a.body), secret) {
		t.Errorf("echoed: %s", a.body)
	}
	for _, bad := range []string{
		`{"email":"` + secret, `"` + secret + `"`,
		`{"` + "email" + `":"` + secret + `","password":1}`,
	} {
		if a := login(bad); strings.Contains(string(a.body), secret) {
			t.Errorf("echoed: %s", a.body)
		}
	}
	if strings.Contains(s.log.String(), secret) || strings.Contains(s.log.String(), p.access) ||
		strings.Contains(s.log.String(), p.refresh) {
		t.Error("a secret is in the log")
	}
}

func TestAddresses(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	for _, path := range []string{
		"/api/nothing", "/api", "/auth", "/nothing", "/health/x", "/ws", "/api/v1/nothing",
	} {
		p.do(t, "GET", path, nil).problem(t, 404, "not-found")
	}
	a := p.do(t, "DELETE", "/api/attempts", nil)
	a.problem(t, 405, "method-not-allowed")
	if a.Header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow: %s", a.Header.Get("Allow"))
	}
	p.do(t, "GET", "/auth/login", nil).problem(t, 405, "method-not-allowed")
	p.do(t, "HEAD", "/api/scenarios", nil).expect(t, 200)
	p.do(t, "GET", "/openapi.json", nil).expect(t, 200)
	p.do(t, "GET", "/docs/nothing", nil).problem(t, 404, "not-found")
}

func TestWebAndSocket(t *testing.T) {
	handler := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter,
			_ *http.Request) {
			fmt.Fprint(w, name)
		})
	}
	s := newServer(t, func(_ *api.Config, d *api.Deps) {
		d.Web, d.Socket = handler("web"), handler("socket")
	})
	p := s.anybody(t)
	for path, want := range map[string]string{
		"/": "web", "/room/1": "web", "/ws": "socket", "/apiary": "web",
	} {
		if a := p.do(t, "GET", path, nil).expect(t, 200); string(a.body) != want {
			t.Errorf("%s gives %s", path, a.body)
		}
	}
	p.do(t, "GET", "/api/nothing", nil).problem(t, 404, "not-found")
}

func TestBare(t *testing.T) {
	socket := http.HandlerFunc(func(w http.ResponseWriter,
		_ *http.Request) {
		fmt.Fprint(w, "socket")
	})
	h, err := api.NewBare(api.Config{}, api.Deps{
		Log: slog.New(slog.DiscardHandler), Socket: socket, Metrics: socket,
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

// TestSocketCanHijack holds that nothing in front of the WebSocket hides the connection.
func TestSocketCanHijack(t *testing.T) {
	s := newServer(t, func(_ *api.Config, d *api.Deps) {
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

func TestHeaders(t *testing.T) {
	s := newServer(t)
	a := s.anybody(t).do(t, "GET", "/health", nil).expect(t, 200)
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'", "Strict-Transport-Security": "",
		"Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=()", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if a.Header.Get("X-Request-Id") == "" {
		t.Error("no request id")
	}
	s = newServer(t, func(c *api.Config, _ *api.Deps) { c.PublicURL = "https://bedside.example" })
	a = s.anybody(t).do(t, "GET", "/health", nil).expect(t, 200)
	if a.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS on https")
	}
}

func TestOtherOrigins(t *testing.T) {
	s := newServer(t, func(c *api.Config, _ *api.Deps) {
		c.AllowedOrigins = []string{"https://friend.example"}
	})
	p := s.someone(t, store.RoleCandidate)
	body := map[string]any{"email": p.email, "password": password}
	a := p.do(t, "POST", "/auth/login", body, "Origin", "https://friend.example", "Sec-Fetch-Site",
		"cross-site").expect(t, 200)
	if a.Header.Get("Access-Control-Allow-Origin") != "https://friend.example" {
		t.Errorf("headers %v", a.Header)
	}
	// a browser of before 2023 at our own page
	p.do(t, "POST", "/auth/login", body, "Origin", s.URL).expect(t, 200)
	preflight := p.do(t, "OPTIONS", "/api/attempts", nil, "Origin", "https://friend.example",
		"Access-Control-Request-Method", "POST").expect(t, 204)
	if preflight.Header.Get("Access-Control-Max-Age") == "" ||
		preflight.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("headers %v", preflight.Header)
	}
	preflight = p.do(t, "OPTIONS", "/api/attempts", nil, "Origin", "https://evil.example",
		"Access-Control-Request-Method", "POST")
	if preflight.Header.Get("Access-Control-Allow-Origin") != "" ||
		preflight.Header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("headers %v", preflight.Header)
	}
	for _, origin := range []string{
		"https://evil.example", "null", "https://friend.example.evil.example",
	} {
		a := p.do(t, "POST", "/auth/login", body, "Origin", origin, "Sec-Fetch-Site", "cross-site")
		a.problem(t, 403, "forbidden")
		if a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is allowed", origin)
		}
	}
	for _, bad := range []string{"friend.example", "https://friend.example/path", "*"} {
		if _, err := api.New(api.Config{AllowedOrigins: []string{bad}}, api.Deps{}); err == nil {
			t.Errorf("%q was taken for an origin", bad)
		}
	}
}

func TestHealth(t *testing.T) {
	away := errors.New("away")
	for _, c := range []struct {
		required, optional error
		status             int
		want               string
	}{
		{nil, nil, 200, "ok"}, {
			nil, away, 200, "degraded",
		}, {away, nil, 503, "down"}, {away, away, 503, "down"},
	} {
		s := newServer(t, func(_ *api.Config, d *api.Deps) {
			d.Checks = []api.Check{
				{
					Name: "one", Required: true,
					Ping: func(context.Context) error { return c.required },
				},
				{Name: "two", Ping: func(context.Context) error { return c.optional }},
			}
		})
		var h api.Health
		s.anybody(t).do(t, "GET", "/health/ready", nil).expect(t, c.status).into(t, &h)
		if h.Status != c.want || len(h.Parts) != 2 {
			t.Errorf("health %+v, want %s", h, c.want)
		}
		s.anybody(t).do(t, "GET", "/health", nil).expect(t, 200)
	}
}

func TestMetrics(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleCandidate)
	p.do(t, "GET", "/api/attempts/"+p.attempt(t), nil).expect(t, 200)
	p.do(t, "BREW", "/api/attempts", nil).expect(t, 405)
	text := string(p.do(t, "GET", "/metrics", nil).expect(t, 200).body)
	for _, want := range []string{
		`bedside_http_requests_total{method="GET",route="/api/attempts/{id}",status="200"} 1`,
		`bedside_http_requests_total{method="other",`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %s in\n%s", want, text)
		}
	}
}

func TestPanics(t *testing.T) {
	s := newServer(t, func(_ *api.Config, d *api.Deps) {
		d.Web = http.HandlerFunc(func(http.ResponseWriter,
			*http.Request) {
			panic("with a secret")
		})
	})
	a := s.anybody(t).do(t, "GET", "/", nil)
	a.problem(t, 500, "internal")
	if strings.Contains(string(a.body), "secret") ||
		!strings.Contains(s.log.String(), "with a secret") {
		t.Errorf("body %s", a.body)
	}
}

func TestStoreAway(t *testing.T) {
	s := newServer(t, func(_ *api.Config, d *api.Deps) { d.Store = awayStore{d.Store} })
	p := s.someone(t, store.RoleCandidate)
	a := p.do(t, "GET", "/api/scenarios", nil)
	a.problem(t, 503, "unavailable")
	if a.Header.Get("Retry-After") == "" || strings.Contains(string(a.body), "dial") {
		t.Errorf("%v: %s", a.Header, a.body)
	}
}

type awayStore struct{ api.Store }

func (awayStore) Scenarios(context.Context) ([]store.Scenario, error) {
	return nil, fmt.Errorf("scenarios: the database is %w: dial unix /secret",
		store.ErrUnavailable)
}

func TestCompression(t *testing.T) {
	s := newServer(t)
	p := s.someone(t, store.RoleTutor)
	plain := p.do(t, "GET", "/api/scenarios/"+slug, nil, "Accept-Encoding",
		"identity").expect(t, 200)
	zipped := p.do(t, "GET", "/api/scenarios/"+slug, nil, "Accept-Encoding",
		"br, gzip;q=0.8").expect(t, 200)
	if zipped.Header.Get("Content-Encoding") != "gzip" || len(zipped.body) >= len(plain.body) {
		t.Errorf("%d bytes, plain %d", len(zipped.body), len(plain.body))
	}
	// twice each: writers are used again
	for _, accept := range []string{"gzip, zstd", "gzip", "zstd"} {
		for range 2 {
			a := p.do(t, "GET", "/api/scenarios/"+slug, nil, "Accept-Encoding",
				accept).expect(t, 200)
			var r io.Reader = bytes.NewReader(a.body)
			var err error
			if coding := a.Header.Get("Content-Encoding"); coding == "zstd" {
				r, err = zstd.NewReader(r)
			} else if r, err = gzip.NewReader(r); coding != "gzip" {
				t.Errorf("%s is answered with %q", accept, coding)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain.body) {
				t.Errorf("%s: %d bytes, %v", accept, len(got), err)
			}
		}
	}
	for _, refusing := range []string{"gzip;q=0", "br"} {
		if a := p.do(t, "GET", "/api/scenarios/"+slug, nil, "Accept-Encoding",
			refusing); a.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s was answered with %s", refusing, a.Header.Get("Content-Encoding"))
		}
	}
	if a := p.do(t, "GET", "/api/users/profile", nil, "Accept-Encoding",
		"gzip"); a.Header.Get("Content-Encoding") != "" {
		t.Error("a short answer was compressed")
	}
}

func TestRequestTimeLimit(t *testing.T) {
	s := newServer(t, func(c *api.Config, d *api.Deps) {
		c.RequestTimeout = time.Second
		d.Store = slowStore{d.Store}
	})
	p := newServer(t).someone(t, store.RoleCandidate) // signed in at a server that has time
	p.s = s
	p.do(t, "GET", "/api/scenarios", nil).problem(t, 503, "timeout")
}

type slowStore struct{ api.Store }

func (slowStore) Scenarios(ctx context.Context) ([]store.Scenario, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
