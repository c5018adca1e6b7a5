package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"bedside/api"
	"bedside/api/archive"
	"bedside/api/auth"
	"bedside/api/mail"
	"bedside/configs"
	"bedside/sfu"
	"bedside/signaling"
	"bedside/speech"
	"bedside/speech/bus"
	"bedside/store"
	"bedside/store/blob"
	"bedside/store/postgres"
	"bedside/store/postgres/embedded"
	"bedside/store/presence"
	"bedside/web"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"
)

// App is a running server: every part, opened in order and closed in reverse. main opens and
// closes it.
type App struct {
	cfg      configs.Config
	log      *slog.Logger
	registry *prometheus.Registry
	closers  []closer
	failed   chan error // a part that ended by itself; holds one

	db       *postgres.DB
	presence *presence.Presence
	blob     *blob.Store
	bus      *bus.Bus
	sessions *auth.Sessions
	outbox   *mail.Outbox // nil when there is a mail server
	node     *sfu.Node
	hub      *signaling.Hub
	mailer   *mail.Service
	listener net.Listener
	plain    net.Listener // leads to listener; nil without TLS
	profiles net.Listener // nil when they are not wanted
	tracer   trace.Tracer // nil when nobody collects
}

type closer struct {
	name  string
	close func(context.Context) error
}

// openStep opens one part of the App.
type openStep struct {
	name string
	role string // empty: every process has it
	open func(context.Context) error
}

// Open starts every part that the configuration asks for. When one fails, those opened before it
// are closed.
func Open(ctx context.Context, cfg configs.Config, log *slog.Logger) (*App, error) {
	a := &App{cfg: cfg, log: log, registry: prometheus.NewRegistry(), failed: make(chan error, 1)}
	a.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, s := range []openStep{
		{"data folder", "", a.openFolder},
		{"traces", "", a.openTraces},
		{"database", "", a.openDatabase},
		{"presence", "", a.openPresence},
		{"recordings", "", a.openBlob},
		{"bus", "", a.openBus},
		{"accounts", "", a.openSessions},
		{"speech", "speech", a.openSpeech},
		{"media", "media", a.openMedia},
		{"signalling", "media", a.openSignaling},
		{"news of sessions", "", a.openNews},
		{"mail", "api", a.openMail},
		{"http", "", a.openHTTP},
		{"profiles", "", a.openProfiles},
		{"jobs", "api", a.openJobs},
	} {
		if s.role != "" && !cfg.Has(s.role) {
			continue
		}
		began := time.Now()
		if err := s.open(ctx); err != nil {
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
			defer cancel()
			return nil, errors.Join(err, a.Close(closing))
		}
		log.Debug("opened", "part", s.name, "took", time.Since(began))
	}
	return a, nil
}

// closeLimit bounds a Close.
const closeLimit = 20 * time.Second

// onClose registers what undoes an open.
func (a *App) onClose(name string, f func(context.Context) error) {
	a.closers = append(a.closers, closer{name, f})
}

// Close stops every part, the last opened first. Rooms are told, audio is flushed, children are
// stopped.
func (a *App) Close(ctx context.Context) error {
	var errs []error
	for len(a.closers) > 0 {
		last := a.closers[len(a.closers)-1]
		a.closers = a.closers[:len(a.closers)-1]
		if err := last.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", last.name, err))
		}
	}
	return errors.Join(errs...)
}

// Failed gives the error of a part that ended by itself; the server is of no use then.
func (a *App) Failed() <-chan error { return a.failed }

func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default: // one is enough
	}
}

// URL is where the server is reached from this machine.
func (a *App) URL() string {
	// a listener's address is always host:port
	host, port, _ := net.SplitHostPort(a.listener.Addr().String())
	if ip := net.ParseIP(host); ip.IsLoopback() || ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if a.cfg.TLS.On() {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

func (a *App) openFolder(context.Context) error {
	lock, err := lockFolder(a.cfg.Data)
	if err != nil {
		return err
	}
	a.onClose("data folder", func(context.Context) error { return lock.Close() })
	return nil
}

func (a *App) openDatabase(ctx context.Context) error {
	cfg := a.cfg.Postgres
	if cfg.URL == "" {
		cluster, err := embedded.Start(ctx,
			embedded.Config{Dir: filepath.Join(a.cfg.Data, "postgres")}, a.log)
		if err != nil {
			return err
		}
		a.onClose("private PostgreSQL", cluster.Close)
		cfg.URL = cluster.URL()
	}
	db, err := postgres.Open(ctx, cfg, a.log)
	if err != nil {
		return err
	}
	a.db = db
	a.onClose("database", func(context.Context) error { db.Close(); return nil })
	if _, err := db.Migrate(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if !a.cfg.Has("api") {
		return nil
	}
	return db.Seed(ctx, a.cfg.Demo)
}

func (a *App) openPresence(context.Context) (err error) {
	a.presence, err = presence.Open(a.cfg.Presence, a.log)
	if err != nil {
		return err
	}
	a.onClose("presence", func(context.Context) error { return a.presence.Close() })
	return nil
}

func (a *App) openBlob(context.Context) (err error) {
	cfg := a.cfg.Blob
	cfg.Dir = filepath.Join(a.cfg.Data, "blob")
	a.blob, err = blob.Open(cfg)
	if err != nil {
		return err
	}
	a.onClose("recordings", func(context.Context) error { return a.blob.Close() })
	return nil
}

func (a *App) openBus(ctx context.Context) (err error) {
	cfg := a.cfg.Bus
	cfg.Dir = filepath.Join(a.cfg.Data, "nats")
	a.bus, err = bus.Open(ctx, cfg, a.log, a.registry)
	if err != nil {
		return err
	}
	a.onClose("bus", a.bus.Close)
	return nil
}

func (a *App) openSessions(context.Context) (err error) {
	cfg := a.cfg.Auth
	cfg.KeyFile = filepath.Join(a.cfg.Data, "key")
	cfg.OnSessionEnded, cfg.OnUserChanged = a.sessionEnded, a.userChanged
	a.sessions, err = auth.NewSessions(cfg, a.db, a.presence)
	return err
}

func (a *App) openSpeech(context.Context) error {
	cfg := a.cfg.Speech
	var err error
	cfg.SpoolDir, err = emptied(filepath.Join(a.cfg.Data, "spool"))
	if err != nil {
		return err
	}
	w, err := speech.NewWorker(cfg, claims{a.bus}, a.db, a.blob, a.bus, a.log, a.registry)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(ctx); err != nil {
			a.fail(fmt.Errorf("speech: %w", err))
		}
	}()
	a.onClose("speech", func(context.Context) error {
		cancel()
		<-done
		return nil
	})
	return nil
}

func (a *App) openMedia(context.Context) (err error) {
	cfg := a.cfg.SFU
	cfg.UDPAddr = a.cfg.MediaAddress()
	a.node, err = sfu.NewNode(cfg, a.log, a.registry)
	if err != nil {
		return err
	}
	a.onClose("media", a.node.Close)
	return nil
}

func (a *App) openSignaling(context.Context) (err error) {
	cfg := a.cfg.Signaling
	cfg.Origins, cfg.Address, cfg.Grace = a.cfg.OriginHosts(), clientNetwork, a.cfg.SFU.Grace
	a.hub, err = signaling.NewHub(cfg, a.node, a.sessions, a.db, audio{a.bus, a.log}, a.presence, a.bus, a.log, a.registry)
	if err != nil {
		return err
	}
	a.onClose("signalling", a.hub.Close)
	return nil
}

// openMail makes what writes letters; the jobs use it.
func (a *App) openMail(context.Context) (err error) {
	var sender mail.Sender
	if a.cfg.Mail.SMTPURL != "" {
		sender, err = mail.NewSMTP(a.cfg.Mail.SMTPURL, a.cfg.Mail.From, time.Now)
	} else {
		a.outbox, err = mail.NewOutbox(filepath.Join(a.cfg.Data, "outbox"), a.cfg.Mail.From,
			time.Now)
		sender = a.outbox
		if !a.cfg.LocalOnly() {
			a.log.Warn("no mail server is set: links to confirm addresses and to choose new passwords stay in the data folder; set BEDSIDE_SMTP_URL")
		}
	}
	if err != nil {
		return err
	}
	a.mailer, err = mail.New(a.db, sender,
		func() string { return cmp.Or(a.cfg.PublicURL(), a.URL()) }, time.Now, a.log)
	return err
}

// openJobs begins to do what changes have asked for. It comes after http, since letters name the
// server's address.
func (a *App) openJobs(ctx context.Context) error {
	jobs, archivist := a.db.Jobs(0), a.archivist()
	err := errors.Join(
		postgres.HandleJob(jobs, archive.Limit, archivist.Make),
		postgres.HandleJob(jobs, time.Minute, archivist.Remove),
		postgres.HandleJob(jobs, time.Minute, a.mailer.Deliver),
		postgres.HandleJob(jobs, time.Minute, func(ctx context.Context,
			_ store.Sweep) error {
			return a.sweep(ctx)
		}),
	)
	if err != nil {
		return err
	}
	jobs.Every(time.Hour, store.Sweep{})
	if err := jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	a.onClose("jobs", jobs.Close)
	return nil
}

// handler is what the process serves: everything, or for the other roles health and metrics, and
// the socket where there is one.
func (a *App) handler() (http.Handler, error) {
	metrics := promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{Registry: a.registry})
	checks := []api.Check{
		{Name: "database", Required: true, Ping: a.db.Ping},
		{Name: "nats", Required: true, Ping: a.bus.Ping},
		{Name: "redis", Ping: a.presence.Ping},
		{Name: "recordings", Ping: a.blob.Ping},
	}
	deps := api.Deps{
		Store: a.db, Presence: a.presence, Sessions: a.sessions, Recording: a.recording,
		Checks: checks, Metrics: metrics, Registerer: a.registry, Tracer: a.tracer, Log: a.log,
	}
	if a.outbox != nil && a.cfg.LocalOnly() {
		deps.Outbox = a.outbox.Handler()
	}
	if a.hub != nil {
		deps.Socket = a.hub
	}
	cfg := a.cfg.API
	cfg.Version, cfg.PublicURL = version, a.cfg.PublicURL()
	if !a.cfg.Has("api") {
		return api.NewBare(cfg, deps)
	}
	var err error
	if deps.Passwords, err = auth.NewPasswords(0); err != nil {
		return nil, err
	}
	if deps.Web, err = web.Handler(); err != nil {
		return nil, err
	}
	return api.New(cfg, deps)
}
