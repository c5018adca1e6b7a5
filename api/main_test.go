package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/auth"
	"bedside/api/httpx"
	"bedside/api/users"
	"bedside/store"
	"bedside/store/blob"
	"bedside/store/postgres"
	"bedside/store/postgres/embedded"
	"bedside/store/presence"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/crypto/bcrypt"
)

// The database is shared by the package's tests, which keep to accounts of their own.
var (
	db    *postgres.DB
	dbURL string
)

// exec changes the database behind the stores' back.
func exec(ctx context.Context, sql string, args ...any) error {
	conn, err := pgx.Connect(ctx, dbURL)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql, args...)
	return errors.Join(err, conn.Close(ctx))
}

func TestMain(m *testing.M) {
	code, err := withDatabase(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withDatabase(run func() int) (code int, err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "bedside-api")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	log := slog.New(slog.DiscardHandler)
	cluster, err := embedded.Start(ctx, embedded.Config{Dir: filepath.Join(dir, "pg")}, log)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cluster.Close(ctx)) }()
	dbURL = cluster.URL()
	if db, err = postgres.Open(ctx, postgres.Config{URL: dbURL}, log); err != nil {
		return 0, err
	}
	defer db.Close()
	if _, err = db.Migrate(ctx); err != nil {
		return 0, err
	}
	if err = db.Seed(ctx, false); err != nil {
		return 0, err
	}
	if post, err = openPostOffice(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, post.close(ctx)) }()
	return run(), nil
}

// server is an API on a real HTTP server, with a clock that can be set forward.
type server struct {
	*httptest.Server
	sessions *auth.Sessions
	presence *presence.Presence
	blobs    *blob.Store
	log      *lockedBuffer
	registry *prometheus.Registry

	reads atomic.Int64 // of sessions from the database

	mu    sync.Mutex
	ahead time.Duration
	ended []string
}

// counted counts how often a session is looked up.
type counted struct {
	*postgres.DB
	reads *atomic.Int64
}

func (c counted) SessionUser(ctx context.Context, id string) (store.Session, store.User, error) {
	c.reads.Add(1)
	return c.DB.SessionUser(ctx, id)
}

type option func(*api.Config, *api.Deps)

func newServer(t testing.TB, options ...option) *server {
	t.Helper()
	s := &server{log: &lockedBuffer{}, registry: prometheus.NewRegistry()}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if s.presence, err = presence.Open(presence.Config{}, log); err != nil {
		t.Fatal(err)
	}
	if s.blobs, err = blob.Open(blob.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	s.sessions, err = auth.NewSessions(auth.Config{
		Keys: []auth.Key{{ID: "1", Secret: bytes.Repeat([]byte("k"), 32)}}, Clock: s.now,
		Ended: func(id, _ string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ended = append(s.ended, id)
		},
	}, counted{db, &s.reads}, s.presence)
	if err != nil {
		t.Fatal(err)
	}
	passwords, err := auth.NewPasswords(bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	cfg := api.Config{
		Limits: users.Limits{
			RegisterPerIP: 10000, LoginPerIP: 10000, LoginPerAccount: 10000, RefreshPerIP: 10000,
		},
	}
	deps := api.Deps{
		Store: db, Presence: s.presence, Sessions: s.sessions, Passwords: passwords, Log: log, Registerer: s.registry, Metrics: promhttp.HandlerFor(
			s.registry, promhttp.HandlerOpts{}), Clock: s.now,
		Recording: func(ctx context.Context,
			key string) (httpx.File, error) {
			return s.blobs.Open(ctx, key)
		},
		Checks: []api.Check{
			{Name: "postgres", Required: true, Ping: db.Ping},
			{Name: "redis", Ping: s.presence.Ping},
		},
	}
	for _, o := range options {
		o(&cfg, &deps)
	}
	h, err := api.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(h)
	t.Cleanup(func() {
		s.Close()
		if err := errors.Join(s.presence.Close(), s.blobs.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *server) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

func (s *server) forward(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// person is somebody at a client of their own.
type person struct {
	s       *server
	client  *http.Client
	email   string
	id      string
	access  string
	refresh string

	signedOut int // devices that gave way to this one
}

const password = "a good password"

// anybody is a client that is not signed in.
func (s *server) anybody(t testing.TB) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{s: s, client: &http.Client{Jar: jar}}
}

// someone is a new account of the role, signed in.
func (s *server) someone(t testing.TB, role store.Role) *person {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	u, err := db.CreateUser(t.Context(), store.User{
		Email: rand.Text() + "@example.org", Name: "Some " + string(role), Role: role,
		PasswordHash: string(hash),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := s.anybody(t)
	p.email, p.id = u.Email, u.ID
	p.signIn(t)
	return p
}

func (p *person) signIn(t testing.TB) {
	t.Helper()
	var g users.Grant
	p.do(t, "POST", "/auth/login", map[string]any{
		"email": p.email, "password": password,
	}).expect(t, 200).into(t, &g)
	p.access, p.refresh = g.AccessToken, g.RefreshToken
}

// answer is a response whose body was read.
type answer struct {
	*http.Response
	body []byte
}

// do sends a body as JSON, or as it is when it is a string, with headers as name, value, ...
func (p *person) do(t testing.TB, method, path string, body any, headers ...string) answer {
	t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		j, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, p.s.URL+path, r)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if p.access != "" {
		req.Header.Set("Authorization", "Bearer "+p.access)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{Response: res, body: b}
}

func (a answer) expect(t testing.TB, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %s", a.Request.Method, a.Request.URL.Path,
			a.StatusCode, status, a.body)
	}
	return a
}

type problem struct {
	Type, Title, Detail, Instance string
	Status                        int
	Errors                        []struct{ Message, Location string }
}

// problem expects a problem of the status whose type ends in code.
func (a answer) problem(t testing.TB, status int, code string) problem {
	t.Helper()
	a.expect(t, status)
	var p problem
	a.into(t, &p)
	if a.Header.Get("Content-Type") != "application/problem+json" ||
		p.Type != "urn:bedside:problem:"+code || p.Status != status ||
		p.Title == "" || p.Detail == "" || !strings.HasPrefix(p.Instance, "urn:uuid:") {
		t.Errorf("%s %s: %s %s, want code %s", a.Request.Method, a.Request.URL.Path,
			a.Header.Get("Content-Type"), a.body, code)
	}
	return p
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}
