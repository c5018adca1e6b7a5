package server

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// Profiles serves Go profiles and metrics at an address that must stay private. The caller that
// opened it closes it.
type Profiles struct{ listener *listener }

// OpenProfiles listens at an address, on loopback when it names no host. failed is called, from
// another goroutine, when the listener ends by itself.
func OpenProfiles(address string, metrics http.Handler, log *slog.Logger,
	failed func(error)) (*Profiles, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("pprof: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	l, err := listen("profiles", net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port),
		"choose another address with pprof",
		&http.Server{Handler: refuseNames(mux), ReadTimeout: 10 * time.Second}, log, failed)
	if err != nil {
		return nil, err
	}
	log.Warn("profiles and metrics are served: keep the address private",
		"address", l.Addr().String())
	return &Profiles{l}, nil
}

// Addr returns the address of the listener.
func (p *Profiles) Addr() net.Addr { return p.listener.Addr() }

// Close stops listening.
func (p *Profiles) Close(ctx context.Context) error { return p.listener.Close(ctx) }

// refuseNames answers requests only when their host is localhost or an IP address. A web site
// could point a name of its own at this machine and have a visitor's browser read the profiles
// (DNS rebinding).
func refuseNames(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			name = r.Host
		}
		if name != "localhost" && net.ParseIP(name) == nil {
			http.Error(w, "use the address, not a name", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}
