package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"bedside/api/auth"
	"bedside/api/health"
	"bedside/api/mail"
	"bedside/api/server"
	"bedside/configs"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// closeLimit bounds a Close.
const closeLimit = 20 * time.Second

// App is a running server: every part, opened in order and closed in reverse. The command that
// opens it closes it.
type App struct {
	closers  *closers
	failed   chan error // holds the first error of a part that ended by itself
	health   *health.Monitor
	media    *mediaNode // nil in a process without rooms
	server   *server.Server
	profiles *server.Profiles // nil unless they are configured
}

// openApp starts every part that the configuration asks for. When one fails, it closes the parts
// that are open. version is the binary's.
func openApp(ctx context.Context, cfg configs.Config, version string,
	log *slog.Logger) (*App, error) {
	a := &App{closers: newClosers(log), failed: make(chan error, 1)}
	if err := a.open(ctx, cfg, version, log); err != nil {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		return nil, errors.Join(err, a.Close(closing))
	}
	if a.media != nil {
		// Rooms leave before anything is closed: people ask the listeners for new tickets.
		a.closers.add("rooms", func(ctx context.Context) error {
			// A store that does not answer must leave time to close the rest.
			ctx, cancel := context.WithTimeout(ctx, closeLimit/2)
			defer cancel()
			return a.media.hub.Move(ctx)
		})
	}
	return a, nil
}

func (a *App) open(ctx context.Context, cfg configs.Config, version string,
	log *slog.Logger) error {
	if err := lockFolder(cfg, a.closers); err != nil {
		return err
	}
	traces, err := server.OpenTraces(ctx, cfg.Server.OTLPEndpoint, version, log)
	if err != nil {
		return err
	}
	a.closers.add("traces", traces.Close)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s, err := openStores(ctx, cfg, a.closers, log, registry)
	if err != nil {
		return err
	}
	revocation := auth.NewRevocation(s.presence, log)
	sessions, err := openSessions(cfg, s, revocation)
	if err != nil {
		return err
	}
	if cfg.Has("speech") {
		if err := openSpeech(ctx, cfg, s, a.closers, log, registry, a.fail); err != nil {
			return err
		}
	}
	p := served{sessions: sessions, tracer: traces.Tracer(), registry: registry}
	var sockets auth.Sockets
	var media *mediaNode // nil in a process without rooms
	if cfg.Has("media") {
		if media, err = openMedia(cfg, s, sessions, a.closers, log, registry); err != nil {
			return err
		}
		p.hub, sockets = media.hub, media.hub
	}
	if cfg.Has("api") || cfg.Has("media") {
		revocation.Start(sessions, sockets)
	}
	var sender mail.Sender
	if cfg.Has("api") {
		if sender, p.outbox, err = openSender(cfg, log); err != nil {
			return err
		}
	}
	var reachable func(context.Context) error // checks the UDP port
	if media != nil {
		reachable = media.reachable
	}
	if p.health, err = openHealth(cfg, s, reachable, version, a.closers, log,
		registry); err != nil {
		return err
	}
	a.health = p.health
	if err := a.listen(cfg, s, p, log); err != nil {
		return err
	}
	if media != nil {
		media.registry.Announce() // not before clients can dial it
		a.media = media
	}
	if !cfg.Has("api") {
		return nil
	}
	// After listen, since mail links to the server's address.
	site := func() string { return cmp.Or(cfg.PublicURL(), a.URL()) }
	return openJobs(ctx, cfg, s, sender, site, a.closers, log)
}

// openSessions returns the service that issues and checks tokens.
func openSessions(cfg configs.Config, s stores, r *auth.Revocation) (*auth.Sessions, error) {
	tokens := cfg.Auth
	tokens.KeyFile = filepath.Join(cfg.Data, "key")
	tokens.OnSessionEnded, tokens.OnUserChanged = r.SessionEnded, r.UserChanged
	return auth.NewSessions(tokens, s.db, s.presence)
}

// listen opens the HTTP listeners.
func (a *App) listen(cfg configs.Config, s stores, p served, log *slog.Logger) error {
	handler, err := newHandler(cfg, s, p, log)
	if err != nil {
		return err
	}
	if a.server, err = server.Open(server.Options{
		Address: cfg.Server.Listen, Handler: handler, Certificates: cfg.Certificates(),
		Redirect: cfg.RedirectAddress(), PublicURL: cfg.PublicURL(),
	}, log, a.fail); err != nil {
		return err
	}
	a.closers.add("http", a.server.Close)
	if cfg.Server.Pprof == "" {
		return nil
	}
	a.profiles, err = server.OpenProfiles(cfg.Server.Pprof, p.metrics(), log, a.fail)
	if err != nil {
		return err
	}
	a.closers.add("profiles", a.profiles.Close)
	return nil
}

// Drain prepares for Close: from now on the process is not ready, and opens no rooms. Open rooms
// go on. Live says how many there are.
func (a *App) Drain() {
	if a.health != nil {
		a.health.Drain()
	}
	if a.media != nil {
		a.media.hub.Drain()
		a.media.registry.SetDraining(true)
	}
}

// Live returns the number of live role plays, and a channel that is closed when it changes.
func (a *App) Live() (roleplays int, changed <-chan struct{}) {
	if a.media == nil {
		return 0, nil
	}
	return a.media.hub.Live()
}

// Close stops every part, the last opened first: it leaves live role plays to another process,
// flushes their audio and stops child processes.
func (a *App) Close(ctx context.Context) error {
	a.Drain()
	return a.closers.closeAll(ctx)
}

// Failed returns a channel with the error of a part that ended by itself. The caller should then
// close the App.
func (a *App) Failed() <-chan error { return a.failed }

func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default: // the first error is enough
	}
}

// URL returns the address at which this machine reaches the server.
func (a *App) URL() string { return a.server.URL() }
