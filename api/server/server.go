// Package server listens for HTTP: at the server's address, over TLS when there are certificates,
// at the plain HTTP address that redirects there, and at a private address for Go profiles. It
// also sends traces to an OpenTelemetry collector.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"bedside/api/certs"
)

// Options say what a Server serves.
type Options struct {
	Address      string
	Handler      http.Handler
	Certificates certs.Config
	Redirect     string // plain HTTP address that redirects to https; empty: none
	PublicURL    string // where redirects lead; empty: the host that was asked for
}

// Server serves a handler at one address. The caller that opened it closes it.
type Server struct {
	main     *listener
	redirect *listener // nil without a redirect
	reload   *reloader // nil without TLS
}

// Open listens and begins to serve. failed is called, from another goroutine, when a listener ends
// by itself.
func Open(o Options, log *slog.Logger, failed func(error)) (_ *Server, err error) {
	main := &http.Server{
		Handler: o.Handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		// For handlers without limits of their own, which REST operations have. A WebSocket
		// removes them.
		ReadTimeout: 30 * time.Second, WriteTimeout: 2 * time.Minute,
	}
	const hint = "choose another address with --listen"
	if !o.Certificates.On() {
		l, err := listen("http", o.Address, hint, main, log, failed)
		return &Server{main: l}, err
	}
	certificates, err := certs.Open(o.Certificates, log, time.Now)
	if err != nil {
		return nil, err
	}
	main.TLSConfig = certificates.TLS()
	s := &Server{}
	if s.main, err = listen("https", o.Address, hint, main, log, failed); err != nil {
		return nil, err
	}
	s.reload = reloadOnHangup(certificates, log)
	if o.Redirect == "" {
		return s, nil
	}
	_, port, _ := net.SplitHostPort(s.main.Addr().String()) // always host:port
	s.redirect, err = listen("redirect", o.Redirect,
		"choose another address with tls.redirect, or set it to off",
		&http.Server{
			Handler:     certificates.Redirect(o.PublicURL, port),
			ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
			IdleTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		}, log, failed)
	if err != nil {
		return nil, errors.Join(err, s.Close(context.Background()))
	}
	return s, nil
}

// URL returns the address at which this machine reaches the server.
func (s *Server) URL() string {
	host, port, _ := net.SplitHostPort(s.main.Addr().String()) // always host:port
	if ip := net.ParseIP(host); ip.IsLoopback() || ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if s.reload != nil {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// RedirectAddr returns the address of the plain HTTP listener, or nil when there is none.
func (s *Server) RedirectAddr() net.Addr {
	if s.redirect == nil {
		return nil
	}
	return s.redirect.Addr()
}

// Close stops listening, waits up to five seconds for each listener's requests, and ends those
// that are left.
func (s *Server) Close(ctx context.Context) error {
	var errs []error
	if s.redirect != nil {
		errs = append(errs, s.redirect.Close(ctx))
	}
	if s.reload != nil {
		s.reload.Close()
	}
	return errors.Join(append(errs, s.main.Close(ctx))...)
}
