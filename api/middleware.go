package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// identify gives a request its id, which the answer names.
func identify(secure bool, proxies httpx.Proxies) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r, info := httpx.WithRequest(r, secure, proxies)
			w.Header().Set("X-Request-Id", info.ID)
			next.ServeHTTP(w, r)
		})
	}
}

// observe logs and counts every request once it is answered: never bodies, queries or headers,
// which may hold secrets.
func observe(log *slog.Logger, m *metrics, t tracing,
	routes chi.Routes) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			rctx := chi.NewRouteContext() // chi fills it in: the pattern is known afterwards
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
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("route", route), slog.Int("status", status),
		slog.Int("bytes", bytes), slog.Duration("took", took),
	}
	level := slog.LevelDebug
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
	switch {
	case status >= 500:
		level = slog.LevelError
	case route != "other" && route != "/health" && route != "/health/ready" && route != "/metrics":
		level = slog.LevelInfo
	}
	log.LogAttrs(r.Context(), level, "request", attrs...)
}

// recoverer answers a panic with a problem, if nothing was written yet, and logs where it came
// from.
func recoverer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause) // net/http's own way to cut a connection
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

// secureHeaders sets what every answer carries. Pages set a policy of their own, by which they
// show anything at all.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=(), payment=()")
		h.Set("Content-Security-Policy",
			"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		if info := httpx.RequestFrom(r.Context()); info != nil && info.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// limitTime bounds what a REST operation may take, and how long its answer may take to be read.
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

// origins keeps other sites from making requests in the name of somebody who is signed in, but
// for those that are allowed.
type origins struct {
	allowed []string
	guard   *http.CrossOriginProtection
}

// newOrigins takes the allowed origins, and the server's own address, which a proxy may hide from
// it.
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
			Detail: "This request comes from a web site that may not make it.",
		})
	}))
	return o, nil
}

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
					"Authorization, Content-Type, If-None-Match, If-Range, Range, Traceparent, Tracestate")
				h.Set("Access-Control-Max-Age", "7200") // browsers keep it no longer
				h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		guarded.ServeHTTP(w, r)
	})
}
