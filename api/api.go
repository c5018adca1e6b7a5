// Package api is Bedside's REST API. New returns one http.Handler that serves the API, its
// documentation, health checks and metrics, and optionally the WebSocket and the web pages.
//
// A slice is a package below this one with the operations of one subject, such as sessions or
// attempts. It declares the store that it needs as an interface, and describes itself as a
// httpx.Slice. allSlices lists them all; everything else follows from the list.
//
// A request passes through these layers: request id and client address (identify), log, metrics
// and trace (observe), panic recovery, security headers, cross-origin protection, the router, a
// time limit and compression, rate limits and the access token, and then the operation.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"bedside/api/analytics"
	"bedside/api/attempts"
	"bedside/api/audit"
	"bedside/api/auth"
	"bedside/api/docs"
	"bedside/api/exams"
	"bedside/api/factors"
	"bedside/api/health"
	"bedside/api/hearing"
	"bedside/api/httpx"
	"bedside/api/mail"
	"bedside/api/media"
	"bedside/api/patients"
	"bedside/api/progress"
	"bedside/api/rooms"
	"bedside/api/scenarios"
	"bedside/api/sessions"
	"bedside/api/signin"
	"bedside/api/users"
	"bedside/store"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// SocketPath is the path of the WebSocket.
const SocketPath = "/ws"

// Store stores the records of every slice. store/postgres implements it.
type Store interface {
	signin.Store
	factors.Store
	users.Store
	auth.PasskeyStore
	auth.ProofStore
	scenarios.Store
	attempts.Store
	exams.Store
	progress.Store
	analytics.Store
	rooms.Store
	media.Store
	audit.Store
	audit.Recorder
	hearing.Store
}

// Quotas counts requests. store/presence implements it.
type Quotas interface {
	Peek(quotas ...store.Quota) (balances []store.Balance, ok bool)
	Spend(ctx context.Context, quotas ...store.Quota) (balances []store.Balance, ok bool)
}

// Presence stores the short-lived state of the slices. store/presence implements it.
type Presence interface {
	Quotas
	auth.Limiter
	attempts.Rooms
	rooms.Rooms
	scenarios.Cache
}

// Deps are the parts that the handler uses. The caller closes them after the handler's server.
type Deps struct {
	Store     Store
	Presence  Presence
	Sessions  *auth.Sessions
	Passwords *auth.Passwords
	Recording func(ctx context.Context, key string) (httpx.File, error) // opens a blob's file
	Files     media.Files                                               // keeps the files of media
	Clock     func() time.Time                                          // time.Now when nil
	Retention store.Retention
	Health    *health.Monitor // serves /health
	Log       *slog.Logger

	// These may be nil.
	Outbox     http.Handler // serves mail.OutboxPath
	EncodeLine media.EncodeLine
	Workers    patients.Workers
	Hearing    hearing.Measure
	Socket     http.Handler // serves SocketPath
	Web        http.Handler // serves all other paths
	Metrics    http.Handler // serves /metrics
	Registerer prometheus.Registerer
	Tracer     trace.Tracer
}

// New returns the handler. It fails when a metric is registered already, or when an allowed origin
// or a proxy in the configuration is not valid.
func New(cfg Config, deps Deps) (http.Handler, error) {
	cfg = cfg.withDefaults()
	if deps.Clock == nil {
		deps.Clock = time.Now
	}
	router := newRouter(cfg, deps)
	rest := router.With(limitTime(cfg.RequestTimeout), compress())
	described := operations(rest, cfg, deps)
	if err := errors.Join(serveOpenAPI(rest, described),
		serveDocs(rest, described, cfg.Rates)); err != nil {
		return nil, err
	}
	return front(router, cfg, deps)
}

// NewBare is like New, for a process without REST operations: it serves health checks, metrics and
// the WebSocket only.
func NewBare(cfg Config, deps Deps) (http.Handler, error) {
	return front(newRouter(cfg, deps), cfg, deps)
}

func newRouter(cfg Config, deps Deps) *chi.Mux {
	router := chi.NewRouter()
	router.Use(middleware.GetHead)
	router.NotFound(notFound(deps.Web))
	router.MethodNotAllowed(methodNotAllowed(router))
	if deps.Health != nil {
		router.Get("/health", deps.Health.Live)
		router.Get("/health/ready", deps.Health.Ready)
	}
	if deps.Metrics != nil {
		router.Method(http.MethodGet, "/metrics", deps.Metrics)
	}
	if deps.Outbox != nil {
		router.Handle(mail.OutboxPath, deps.Outbox)
		router.Handle(mail.OutboxPath+"/*", deps.Outbox)
	}
	if deps.Socket != nil {
		router.Method(http.MethodGet, SocketPath, deps.Socket)
	}
	return router
}

// front wraps the router in the layers that every request passes through.
func front(router *chi.Mux, cfg Config, deps Deps) (http.Handler, error) {
	metrics, err := newMetrics(deps.Registerer)
	if err != nil {
		return nil, err
	}
	origins, err := newOrigins(cfg.AllowedOrigins, cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	proxies, err := httpx.ParseProxies(cfg.Proxies)
	if err != nil {
		return nil, fmt.Errorf("proxies: %w", err)
	}
	secure := strings.HasPrefix(cfg.PublicURL, "https://")
	hsts := "max-age=31536000"
	if cfg.HSTSSubdomains {
		hsts += "; includeSubDomains"
	}
	var h http.Handler = router
	for _, wrap := range []func(http.Handler) http.Handler{ // innermost first
		aliases, origins.protect, secureHeaders(hsts), recoverer, observe(deps.Log, metrics,
			tracing{deps.Tracer}, router), identify(secure, proxies),
	} {
		h = wrap(h)
	}
	return h, nil
}

// allSlices lists every slice, in the order of the documentation. Tags, operations and the rules
// for deleting an account come from this list.
func allSlices(cfg Config, deps Deps) []httpx.Slice {
	passkeys := &auth.Passkeys{Store: deps.Store, PublicURL: cfg.PublicURL, Clock: deps.Clock}
	proofs := auth.Proofs{Store: deps.Store, Clock: deps.Clock}
	tries := auth.Tries{Limiter: deps.Presence, Limits: cfg.Limits}
	return []httpx.Slice{
		(&signin.Service{
			Registration: store.Registration(cfg.Registration),
			Store:        deps.Store, Sessions: deps.Sessions, Passwords: deps.Passwords,
			Passkeys: passkeys, Tries: tries, Clock: deps.Clock,
		}).Slice(),
		(&users.Service{
			Registration: store.Registration(cfg.Registration),
			Store:        deps.Store, Sessions: deps.Sessions, Passwords: deps.Passwords,
			Passkeys: passkeys, Proofs: proofs, Tries: tries, OpenFile: deps.Recording,
			Clock: deps.Clock, Log: deps.Log,
		}).Slice(),
		(&factors.Service{
			Store: deps.Store, Sessions: deps.Sessions, Passwords: deps.Passwords,
			Passkeys: passkeys, Proofs: proofs, Tries: tries, Clock: deps.Clock,
		}).Slice(),
		(&sessions.Service{Sessions: deps.Sessions, Audit: deps.Store}).Slice(),
		(&scenarios.Service{
			Store: deps.Store, Cache: deps.Presence, Clock: deps.Clock,
		}).Slice(),
		(&attempts.Service{
			Store: deps.Store, Rooms: deps.Presence, Tickets: deps.Sessions,
			Addresses: deps.Sessions, Tries: tries, Open: deps.Recording,
			Retention:  deps.Retention,
			ICEServers: cfg.ICEServers, SocketPath: SocketPath,
		}).Slice(),
		media.New(media.Service{
			Store: deps.Store, Files: deps.Files, Open: deps.Recording, Sessions: deps.Sessions,
			EncodeLine: deps.EncodeLine, Config: cfg.Media, Clock: deps.Clock,
		}).Slice(),
		(&exams.Service{Store: deps.Store, Tries: tries, Clock: deps.Clock}).Slice(),
		(&progress.Service{Store: deps.Store, Clock: deps.Clock}).Slice(),
		(&analytics.Service{Store: deps.Store, Clock: deps.Clock}).Slice(),
		(&audit.Service{Store: deps.Store}).Slice(),
		(&rooms.Service{Rooms: deps.Presence, Store: deps.Store}).Slice(),
		(&patients.Service{Workers: deps.Workers, Clock: deps.Clock}).Slice(),
		(&hearing.Service{
			Store: deps.Store, Measure: deps.Hearing, Clock: deps.Clock,
		}).Slice(),
	}
}

// DeletionRules returns what happens to each slice's tables and files when an account is deleted.
func DeletionRules() (tables []store.TableRule, files []store.FileRule) {
	for _, slice := range allSlices(Config{}, Deps{}) {
		tables = append(tables, slice.Tables...)
		files = append(files, slice.Files...)
	}
	return tables, files
}

// operations registers the operations of every slice. With empty deps, the result can describe the
// operations but not run them.
func operations(router chi.Router, cfg Config, deps Deps) huma.API {
	api := humachi.New(router, describe())
	api.UseMiddleware(httpx.NoStore)
	if deps.Sessions != nil {
		limits := &rateLimiter{rates: cfg.Rates, quotas: deps.Presence}
		api.UseMiddleware(limits.early, httpx.Authenticate(deps.Sessions, limits.admit))
	}
	api.UseMiddleware(httpx.CheckIDs, httpx.RequireContentType)
	for _, slice := range allSlices(cfg, deps) {
		slice.Register(api)
	}
	listsNotNull(api)
	addCommonHeaders(api)
	addLimits(api)
	return api
}

// aliases serves paths that are other names of paths below /api: /api/v1/... of all,
// /api/content/... of scenarios, progress and media, and /users/profile and /sessions, with
// everything below them, as older clients call them.
func aliases(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := canonical(r.URL.Path); path != r.URL.Path {
			u := *r.URL
			u.Path = path
			if u.RawPath != "" {
				u.RawPath = canonical(u.RawPath)
			}
			r = r.WithContext(r.Context())
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}

// canonical returns the path that a path is another name of.
func canonical(path string) string {
	if rest, ok := strings.CutPrefix(path, "/api/v1/"); ok {
		path = "/api/" + rest
	}
	if rest, ok := strings.CutPrefix(path, "/api/content/"); ok {
		part, _, _ := strings.Cut(strings.TrimPrefix(rest, "protected/"), "/")
		switch part {
		case "scenarios", "progress", "media":
			return "/api/" + rest
		}
	}
	for _, old := range []string{"/users/profile", "/sessions"} {
		if path == old || strings.HasPrefix(path, old+"/") {
			return "/api" + path
		}
	}
	return path
}

// isAPIPath reports whether a path belongs to the API and not to the web pages, as it is or as a
// sloppy client writes it.
func isAPIPath(name string) bool {
	name = strings.ToLower(path.Clean(name))
	for _, prefix := range []string{
		"/api", "/auth", "/health", "/metrics", "/dev", SocketPath, "/openapi.json", docs.Path,
	} {
		if name == prefix || strings.HasPrefix(name, prefix+"/") {
			return true
		}
	}
	return false
}

func notFound(web http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case web == nil || isAPIPath(r.URL.Path):
			httpx.WriteProblem(w, r, &httpx.Fault{
				Err: store.ErrNotFound, Detail: "There is nothing at this address.",
			})
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			refuseMethod(w, r, http.MethodGet, http.MethodHead)
		default:
			web.ServeHTTP(w, r)
		}
	}
}

func methodNotAllowed(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, m := range []string{
			http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
			http.MethodDelete,
		} {
			if routes.Match(chi.NewRouteContext(), m, r.URL.Path) {
				allowed = append(allowed, m)
			}
		}
		refuseMethod(w, r, allowed...)
	}
}

func refuseMethod(w http.ResponseWriter, r *http.Request, allowed ...string) {
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	httpx.WriteModel(w, r, &huma.ErrorModel{
		Status: http.StatusMethodNotAllowed,
		Detail: "Use one of: " + strings.Join(allowed, ", ") + ".",
	})
}
