package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"bedside/api"
	"bedside/api/auth"
	"bedside/api/health"
	"bedside/api/httpx"
	"bedside/api/mail"
	"bedside/configs"
	"bedside/signaling"
	"bedside/speech/bus"
	"bedside/store"
	"bedside/web"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"
)

// served are the parts that the HTTP handler serves, besides the stores.
type served struct {
	sessions *auth.Sessions
	hub      *signaling.Hub // nil in a process without rooms
	outbox   *mail.Outbox   // nil with a mail server
	tracer   trace.Tracer   // nil without a collector
	registry *prometheus.Registry
	health   *health.Monitor
}

// metrics serves the metrics of the process.
func (p served) metrics() http.Handler {
	return promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{Registry: p.registry})
}

// newHandler returns the handler of everything that the process serves. Every role has health and
// metrics; the media role adds the WebSocket, the api role the API and the pages.
func newHandler(cfg configs.Config, s stores, p served, log *slog.Logger) (http.Handler, error) {
	deps := api.Deps{
		Store: s.db, Retention: cfg.Retention, Presence: s.presence, Sessions: p.sessions,
		Recording: func(ctx context.Context, key string) (httpx.File, error) {
			f, err := s.blob.Open(ctx, key)
			if err != nil {
				return nil, err // not f: a nil file in the interface would not be nil
			}
			return f, nil
		},
		Files:      s.blob,
		EncodeLine: encodeLine,
		Workers:    actorWorkers{s.bus},
		Hearing:    newVoiceMeter(cfg.Sphinx),
		Health:     p.health,
		Registerer: p.registry, Tracer: p.tracer, Log: log,
	}
	if cfg.Server.Pprof == "" {
		deps.Metrics = p.metrics()
	}
	if p.outbox != nil && cfg.LocalOnly() {
		deps.Outbox = p.outbox.Handler()
	}
	if p.hub != nil {
		deps.Socket = p.hub
	}
	settings := cfg.API
	settings.PublicURL = cfg.PublicURL()
	settings.Media.TempDir = cfg.Data
	if !cfg.Has("api") {
		return api.NewBare(settings, deps)
	}
	var err error
	passwords := cfg.Auth
	breaches := promauto.With(p.registry).NewCounterVec(prometheus.CounterOpts{
		Name: "bedside_auth_breach_checks_total",
		Help: "Questions whether a new password is in a published breach, by result.",
	}, []string{"result"})
	passwords.OnBreachCheck = func(result string) { breaches.WithLabelValues(result).Inc() }
	if deps.Passwords, err = auth.NewPasswords(passwords); err != nil {
		return nil, err
	}
	media := &mediaOrigins{
		nodes: s.presence.Nodes, settings: cfg.API.MediaOrigins, clock: time.Now, log: log,
	}
	if deps.Web, err = web.Handler(media.origins); err != nil {
		return nil, err
	}
	return api.New(settings, deps)
}

// actorWorkers is the bus as patients.Workers.
type actorWorkers struct{ bus *bus.Bus }

// Workers asks the speech workers what they can do.
func (w actorWorkers) Workers(ctx context.Context) ([]store.ActorWorker, error) {
	list, err := w.bus.Workers(ctx)
	if err != nil {
		return nil, err
	}
	workers := make([]store.ActorWorker, len(list))
	for i, s := range list {
		workers[i] = store.ActorWorker{
			Name: s.Worker, Slots: s.Slots, Free: s.Free, Waiting: s.Waiting,
			Recogniser: s.Recogniser, Why: s.Why,
		}
	}
	return workers, nil
}
