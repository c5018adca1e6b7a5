package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"time"

	"bedside/api/httpx"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/otel/trace"
)

// identify gives each request an id, which the response repeats, and finds its client address.
func identify(secure bool, proxies httpx.Proxies) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r, info := httpx.WithRequest(r, secure, proxies)
			w.Header().Set("X-Request-Id", info.ID)
			next.ServeHTTP(w, r)
		})
	}
}

// observe logs, counts and traces every request after its response. It records no bodies, queries
// or headers, because they may contain secrets.
func observe(log *slog.Logger, m *metrics, t tracing,
	routes chi.Routes) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			rctx := chi.NewRouteContext() // has the pattern after the router has run
			rctx.Routes = routes
			ctx, span := t.begin(r)
			r = r.WithContext(context.WithValue(ctx, chi.RouteCtxKey, rctx))
			defer func() {
				status := ww.Status()
				if status == 0 {
					status = http.StatusOK
				}
				route := rctx.RoutePattern()
				if route == "" || route == "/*" {
					route = "other"
				}
				took := time.Since(began)
				m.observe(methodOf(r), route, status, took)
				t.end(r, span, route, status)
				logRequest(log, r, route, status, ww.BytesWritten(), took)
			}()
			next.ServeHTTP(ww, r)
		})
	}
}

func logRequest(log *slog.Logger, r *http.Request, route string, status, bytes int,
	took time.Duration) {
	level := slog.LevelDebug
	switch {
	case status >= 500:
		level = slog.LevelError
	case route != "other" && route != "/health" && route != "/health/ready" && route != "/metrics":
		level = slog.LevelInfo
	}
	if !log.Enabled(r.Context(), level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 10),
		slog.String("method", r.Method), slog.String("route", route), slog.Int("status", status),
		slog.Int("bytes", bytes), slog.Duration("took", took))
	if info := httpx.RequestFrom(r.Context()); info != nil {
		user, err := info.Outcome()
		attrs = append(attrs, slog.String("request", info.ID), slog.String("ip", info.IP))
		if span := trace.SpanContextFromContext(r.Context()); span.HasTraceID() {
			attrs = append(attrs, slog.String("trace", span.TraceID().String()))
		}
		if user != "" {
			attrs = append(attrs, slog.String("user", user))
		}
		if err != nil {
			attrs = append(attrs, slog.Any("error", err))
		}
	}
	// Not log.LogAttrs, which looks for the line of code that calls it.
	record := slog.NewRecord(time.Now(), level, "request", 0)
	record.AddAttrs(attrs...)
	_ = log.Handler().Handle(r.Context(), record) // as Logger ignores it
}

// recoverer turns a panic into a problem, unless the response has begun already. The stack trace
// goes to the log.
func recoverer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause) // net/http uses it to close a connection
			}
			err := fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
			if ww, ok := w.(middleware.WrapResponseWriter); ok && ww.Status() != 0 {
				if info := httpx.RequestFrom(r.Context()); info != nil {
					info.SetError(err)
				}
				return
			}
			httpx.WriteProblem(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}

// secureHeaders sets the security headers of every response; hsts is what it sets over https. Web
// pages replace the content security policy by their own.
func secureHeaders(hsts string) func(http.Handler) http.Handler {
	// Responses share the values. Code that appends to a header gets a copy, since their
	// capacity is used up.
	always := http.Header{
		"X-Content-Type-Options":       {"nosniff"},
		"X-Frame-Options":              {"DENY"},
		"Referrer-Policy":              {"no-referrer"},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Permissions-Policy": {
			"microphone=(self), camera=(), geolocation=(), payment=()",
		},
		"Content-Security-Policy": {
			"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
		},
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			maps.Copy(h, always)
			if info := httpx.RequestFrom(r.Context()); info != nil && info.Secure {
				h.Set("Strict-Transport-Security", hsts)
			}
			next.ServeHTTP(w, r)
		})
	}
}

// limitTime limits the time of a REST operation, and the time in which the client must have read
// the response to twice that.
func limitTime(limit time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), limit)
			defer cancel()
			httpx.WriteWithin(w, 2*limit)
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// origins prevents other web sites from making requests with the session of a signed-in user,
// except for allowed origins.
type origins struct {
	allowed []string
	guard   *http.CrossOriginProtection
}

// newOrigins also allows the server's public address, because behind a proxy the Host header may
// differ from it.
func newOrigins(allowed []string, publicURL string) (*origins, error) {
	o := &origins{allowed: allowed, guard: http.NewCrossOriginProtection()}
	if u, err := url.Parse(publicURL); err == nil && u.Host != "" {
		if err := o.guard.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, fmt.Errorf("public address %q: %w", publicURL, err)
		}
	}
	for _, origin := range allowed {
		u, err := url.Parse(origin)
		if err == nil {
			err = o.guard.AddTrustedOrigin(origin)
		}
		if err != nil || u.Host == "" {
			return nil, fmt.Errorf("allowed origin %q is not of the form https://host: %w", origin,
				err)
		}
	}
	o.guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpx.WriteModel(w, r, &huma.ErrorModel{
			Status: http.StatusForbidden,
			Detail: "This web site may not make requests to this server.",
		})
	}))
	return o, nil
}

// protect adds CORS headers for allowed origins, answers their preflight requests, and rejects
// requests from all other sites.
func (o *origins) protect(next http.Handler) http.Handler {
	guarded := o.guard.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin != "" && slices.Contains(o.allowed, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Expose-Headers",
				"ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id")
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
			if r.Method == http.MethodOptions &&
				r.Header.Get("Access-Control-Request-Method") != "" {
				h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
				h.Set("Access-Control-Allow-Headers",
					"Authorization, Content-Type, If-None-Match, If-Range, Range, Traceparent, "+
						"Tracestate")
				h.Set("Access-Control-Max-Age", "7200") // the most that browsers accept
				h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		guarded.ServeHTTP(w, r)
	})
}
