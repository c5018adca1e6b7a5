// Package api is Bedside's REST interface: it puts the slices, and what stands in front of them,
// behind one http.Handler, together with the WebSocket and the web pages when they are given.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"bedside/api/attempts"
	"bedside/api/audit"
	"bedside/api/auth"
	"bedside/api/docs"
	"bedside/api/factors"
	"bedside/api/httpx"
	"bedside/api/mail"
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

// SocketPath is where the WebSocket is.
const SocketPath = "/ws"

// Store is what the slices keep their records in; store/postgres is one.
type Store interface {
	signin.Store
	factors.Store
	users.Store
	auth.PasskeyStore
	auth.ProofStore
	scenarios.Store
	attempts.Store
	audit.Store
	audit.Recorder
}

// Quotas counts requests; store/presence does.
type Quotas interface {
	Peek(quotas ...store.Quota) (balances []store.Balance, ok bool)
	Spend(ctx context.Context, quotas ...store.Quota) (balances []store.Balance, ok bool)
}

// Presence is what the slices keep for a while; store/presence is one.
type Presence interface {
	Quotas
	auth.Limiter
	attempts.Rooms
	rooms.Rooms
}

// Deps are the parts that the handler works with. They outlive it.
type Deps struct {
	Store     Store
	Presence  Presence
	Sessions  *auth.Sessions
	Passwords *auth.Passwords
	Recording func(ctx context.Context, key string) (httpx.File, error) // store/blob's Open
	// at mail.OutboxPath; may be nil
	Outbox http.Handler
	Clock  func() time.Time // time.Now when nil
	Checks []Check          // of /health/ready
	// at SocketPath; may be nil
	Socket http.Handler
	// everything else; may be nil
	Web        http.Handler
	Metrics    http.Handler          // at /metrics; may be nil
	Registerer prometheus.Registerer // may be nil
	Tracer     trace.Tracer          // may be nil
	Log        *slog.Logger
}

// New puts the handler together. The error is a metric that is registered already, or an origin
// that is none.
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

// NewBare is New for a process that serves no REST operations: health, metrics and the WebSocket
// only.
func NewBare(cfg Config, deps Deps) (http.Handler, error) {
	return front(newRouter(cfg, deps), cfg, deps)
}

func newRouter(cfg Config, deps Deps) *chi.Mux {
	router := chi.NewRouter()
	router.Use(middleware.GetHead)
	router.NotFound(notFound(deps.Web))
	router.MethodNotAllowed(methodNotAllowed(router))
	(&health{version: cfg.Version, checks: deps.Checks, log: deps.Log}).routes(router)
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

// front puts what every request passes before the router.
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
	var h http.Handler = router
	for _, wrap := range []func(http.Handler) http.Handler{ // innermost first
		version1, origins.protect, secureHeaders, recoverer, observe(deps.Log, metrics,
			tracing{deps.Tracer}, router), identify(secure, proxies),
	} {
		h = wrap(h)
	}
	return h, nil
}

// allSlices lists every slice, in the order of the documentation. Tags, operations and the rules for
// deleting an account come from this list.
func allSlices(cfg Config, deps Deps) []httpx.Slice {
	passkeys := &auth.Passkeys{Store: deps.Store, PublicURL: cfg.PublicURL, Clock: deps.Clock}
	proofs := auth.Proofs{Store: deps.Store, Clock: deps.Clock}
	tries := auth.Tries{Limiter: deps.Presence, Limits: cfg.Limits}
	return []httpx.Slice{
		(&signin.Service{
			Store: deps.Store, Sessions: deps.Sessions, Passwords: deps.Passwords,
			Passkeys: passkeys, Tries: tries, Clock: deps.Clock,
		}).Slice(),
		(&users.Service{
			Store: deps.Store, Sessions: deps.Sessions, Passwords: deps.Passwords, Proofs: proofs,
			Tries: tries, OpenFile: deps.Recording, Clock: deps.Clock, Log: deps.Log,
		}).Slice(),
		(&factors.Service{
			Store: deps.Store, Sessions: deps.Sessions, Passwords: deps.Passwords,
			Passkeys: passkeys, Proofs: proofs, Tries: tries, Clock: deps.Clock,
		}).Slice(),
		(&sessions.Service{Sessions: deps.Sessions, Audit: deps.Store}).Slice(),
		(&scenarios.Service{Store: deps.Store}).Slice(),
		(&attempts.Service{
			Store: deps.Store, Rooms: deps.Presence, Tickets: deps.Sessions, Open: deps.Recording,
			ICEServers: cfg.ICEServers, SocketPath: SocketPath,
		}).Slice(),
		(&audit.Service{Store: deps.Store}).Slice(),
		(&rooms.Service{Rooms: deps.Presence, Store: deps.Store}).Slice(),
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

// operations adds every slice's operations. With empty deps they can be described, not called.
func operations(router chi.Router, cfg Config, deps Deps) huma.API {
	api := humachi.New(router, describe())
	if deps.Sessions != nil {
		limits := &rateLimiter{rates: cfg.Rates, quotas: deps.Presence}
		api.UseMiddleware(limits.early, httpx.Authenticate(deps.Sessions, limits.admit))
	}
	api.UseMiddleware(httpx.RequireContentType)
	for _, slice := range allSlices(cfg, deps) {
		slice.Register(api)
	}
	listsNotNull(api)
	headed(api)
	bounded(api)
	return api
}

// version1 takes /api/v1/... for /api/...
func version1(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/api/v1/"); ok {
			u := *r.URL
			u.Path = "/api/" + rest
			if raw, ok := strings.CutPrefix(u.RawPath, "/api/v1/"); ok {
				u.RawPath = "/api/" + raw
			}
			r = r.WithContext(r.Context())
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}

// ours reports whether a path belongs to the API rather than to the web pages.
func ours(path string) bool {
	for _, prefix := range []string{
		"/api", "/auth", "/health", "/metrics", SocketPath, "/openapi.json", docs.Path,
	} {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return true
		}
	}
	return false
}

func notFound(web http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if web == nil || ours(r.URL.Path) {
			httpx.WriteProblem(w, r, &httpx.Fault{
				Err: store.ErrNotFound, Detail: "There is nothing at this address.",
			})
			return
		}
		web.ServeHTTP(w, r)
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
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		httpx.WriteModel(w, r, &huma.ErrorModel{
			Status: http.StatusMethodNotAllowed,
			Detail: "Use one of: " + strings.Join(allowed, ", ") + ".",
		})
	}
}
