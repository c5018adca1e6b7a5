package apitest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/archive"
	"bedside/api/auth"
	"bedside/api/health"
	"bedside/api/httpx"
	"bedside/store"
	"bedside/store/blob"
	"bedside/store/postgres"
	"bedside/store/presence"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/crypto/bcrypt"
)

// Server is the API on a real HTTP server, with a clock that can be set forward.
type Server struct {
	*httptest.Server
	DB       *postgres.DB
	DBURL    string
	Mail     *MailServer
	Sessions *auth.Sessions
	Presence *presence.Presence
	Blobs    *blob.Store
	Media    *presence.Node // without rooms
	Log      *Buffer

	sessionReads atomic.Int64

	mu    sync.Mutex // guards the fields below
	ahead time.Duration
	ended []string
}

// Option changes how a Server is set up.
type Option func(*api.Config, *api.Deps)

// PublicURL sets the server's public URL.
func PublicURL(url string) Option {
	return func(c *api.Config, _ *api.Deps) { c.PublicURL = url }
}

// NewServer starts a server, which is closed when the test ends. Limits of tries are out of reach
// unless an option sets them.
func NewServer(t testing.TB, options ...Option) *Server {
	t.Helper()
	return NewServerOn(t, shared.db, shared.dbURL, options...)
}

// NewServerOn is NewServer on another database than the tests of the package share.
func NewServerOn(t testing.TB, db *postgres.DB, url string, options ...Option) *Server {
	t.Helper()
	s := &Server{DB: db, DBURL: url, Mail: shared.mail, Log: &Buffer{}}
	log := slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if s.Presence, err = presence.Open(presence.Config{}, log); err != nil {
		t.Fatal(err)
	}
	s.Media = s.Presence.OpenNode(presence.NodeConfig{MaxRooms: 100, Fences: s.DB})
	s.Media.Announce()
	if s.Blobs, err = blob.Open(t.Context(), blob.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	s.Sessions, err = auth.NewSessions(auth.Config{
		Keys:           []auth.Key{{ID: "1", Secret: bytes.Repeat([]byte("k"), 32)}},
		Clock:          s.Now,
		OnSessionEnded: s.sessionEnded,
	}, countingStore{s.DB, &s.sessionReads}, s.Presence)
	if err != nil {
		t.Fatal(err)
	}
	passwords, err := auth.NewPasswords(auth.Config{HashCost: bcrypt.MinCost})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	cfg := api.Config{
		Limits: auth.Limits{
			RegisterPerIP: 10000, LoginPerIP: 10000, LoginPerAccount: 10000, RefreshPerIP: 10000,
		},
	}
	deps := api.Deps{
		Store: s.DB, Presence: s.Presence, Sessions: s.Sessions, Passwords: passwords, Log: log,
		Clock: s.Now, Registerer: registry,
		Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		Recording: func(ctx context.Context, key string) (httpx.File, error) {
			return s.Blobs.Open(ctx, key)
		},
		Files: s.Blobs,
	}
	if deps.Health, err = health.New(health.Config{}, log, nil,
		health.Check{Name: "database", Run: s.DB.Ping},
		health.Check{Name: "redis", Run: s.Presence.Ping}); err != nil {
		t.Fatal(err)
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
		if err := errors.Join(deps.Health.Close(context.Background()), s.Media.Close(),
			s.Presence.Close(), s.Blobs.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Now returns the server's time.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

// Forward sets the server's clock forward.
func (s *Server) Forward(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

func (s *Server) sessionEnded(id, _ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = append(s.ended, id)
}

// EndedSessions returns the ids of the sessions whose end the server announced.
func (s *Server) EndedSessions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ended)
}

// HasEnded reports whether the server announced the end of a session.
func (s *Server) HasEnded(sessionID string) bool {
	return slices.Contains(s.EndedSessions(), sessionID)
}

// SessionReads returns the number of times that the server has read a session from the database.
func (s *Server) SessionReads() int64 { return s.sessionReads.Load() }

// Exec changes the database directly, without the stores.
func (s *Server) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DBURL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), sql, args...)
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// Archivist does the jobs of the server's archives. No process does them by itself: the test calls
// its methods.
func (s *Server) Archivist() *archive.Archivist {
	var tables []archive.Table
	for _, p := range postgres.PersonalTables() {
		tables = append(tables, archive.Table{
			Name: p.Table,
			Rows: func(ctx context.Context, id string) ([]string, error) {
				return s.DB.PersonalRows(ctx, p, id)
			},
		})
	}
	return &archive.Archivist{
		Store: s.DB, Files: s.Blobs, Tables: tables, Log: slog.New(slog.DiscardHandler),
		Open: func(ctx context.Context, key string) (io.ReadCloser, error) {
			return s.Blobs.Open(ctx, key)
		},
	}
}

// countingStore counts how often a session is read.
type countingStore struct {
	*postgres.DB
	reads *atomic.Int64
}

func (c countingStore) SessionUser(ctx context.Context, id string) (store.Session, store.User,
	error) {
	c.reads.Add(1)
	return c.DB.SessionUser(ctx, id)
}

// Buffer is a bytes.Buffer that is safe for concurrent use.
type Buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *Buffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *Buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
