package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"syscall"
	"time"

	"bedside/api/certs"
)

// openHTTP serves everything at one address, over TLS when there are certificates; then port 80
// leads there.
func (a *App) openHTTP(context.Context) error {
	handler, err := a.handler()
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		// For whatever sets no limits of its own, as operations do. A WebSocket leaves them
		// behind.
		ReadTimeout: 30 * time.Second, WriteTimeout: 2 * time.Minute,
	}
	tlsConfig := a.cfg.Certificates()
	if !tlsConfig.On() {
		a.listener, err = a.serve("http", a.cfg.Server.Listen, server)
		return err
	}
	certificates, err := certs.Open(tlsConfig, a.log, time.Now)
	if err != nil {
		return err
	}
	server.TLSConfig = certificates.TLS()
	if a.listener, err = a.serve("https", a.cfg.Server.Listen, server); err != nil {
		return err
	}
	a.reloadOnHangup(certificates)
	if address := a.cfg.RedirectAddress(); address != "" {
		// a listener's address is always host:port
		_, port, _ := net.SplitHostPort(a.listener.Addr().String())
		a.plain, err = a.serve("redirect", address, &http.Server{
			Handler:     certificates.Redirect(a.cfg.PublicURL(), port),
			ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		})
	}
	return err
}

// openProfiles serves Go's profiles where only those who run the server reach them.
func (a *App) openProfiles(context.Context) error {
	if a.cfg.Server.Pprof == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	host, port, err := net.SplitHostPort(a.cfg.Server.Pprof)
	if err != nil {
		return fmt.Errorf("pprof: %w", err)
	}
	// Not by a name: a web site could give one of its own this machine's address, and read what
	// only the machine may.
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			name = r.Host
		}
		if name != "localhost" && net.ParseIP(name) == nil {
			http.Error(w, "use the address, not a name", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
	if a.profiles, err = a.serve("profiles", net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port),
		&http.Server{Handler: guarded, ReadTimeout: 10 * time.Second}); err != nil {
		return err
	}
	a.log.Warn("profiles are served: keep the address private", "address",
		a.profiles.Addr().String())
	return nil
}

// serve listens at an address and serves until the App is closed.
func (a *App) serve(name, address string, server *http.Server) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		hint := map[string]string{
			"redirect": "choose another address with tls.redirect, or set it to off", "profiles": "choose another address with pprof",
		}[name]
		return nil, fmt.Errorf("%w: %s", err, cmp.Or(hint, "choose another address with --listen"))
	}
	server.ErrorLog = slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := error(nil)
		if server.TLSConfig != nil {
			err = server.ServeTLS(listener, "", "")
		} else {
			err = server.Serve(listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			a.fail(fmt.Errorf("%s: %w", name, err))
		}
	}()
	a.onClose(name, func(ctx context.Context) error {
		limited, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		err := server.Shutdown(limited)
		if err != nil {
			err = server.Close()
		}
		<-done
		return err
	})
	return listener, nil
}

// reloadOnHangup reads certificates again when the process is sent SIGHUP, which would end it
// otherwise.
func (a *App) reloadOnHangup(certificates *certs.Certs) {
	hangup, stop, done := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-hangup:
				if err := certificates.Reload(); err != nil {
					a.log.Error("the certificate stays as it is", "error", err)
				} else {
					a.log.Info("certificates were read again")
				}
			}
		}
	}()
	a.onClose("certificates", func(context.Context) error {
		signal.Stop(hangup)
		close(stop)
		<-done
		return nil
	})
}
