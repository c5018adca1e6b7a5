package main

import (
	"context"
	"log/slog"
	"strings"

	"bedside/api/health"
	"bedside/configs"

	"github.com/prometheus/client_golang/prometheus"
)

// openHealth begins to check the parts that the process's roles use. reachable checks the UDP port
// for media; it is nil in a process without rooms.
func openHealth(cfg configs.Config, s stores, reachable func(context.Context) error,
	version string, c *closers, log *slog.Logger,
	reg prometheus.Registerer) (*health.Monitor, error) {
	minFree := int64(cfg.Health.MinFree) << 20
	checks := []health.Check{
		{Name: "database", Run: s.db.Ping},
		{Name: "nats", Run: s.bus.Ping},
		health.Disk("disk", cfg.Data, minFree),
	}
	if cfg.Has("api") || cfg.Has("media") {
		checks = append(checks, health.Check{Name: "redis", Run: s.presence.Ping})
	}
	if cfg.Has("api") || cfg.Has("speech") {
		checks = append(checks, health.Check{Name: "recordings", Run: s.blob.Ping})
		if dir, ok := strings.CutPrefix(cfg.Blob.URL, "file://"); ok {
			checks = append(checks, health.Disk("recordings-disk", dir, minFree))
		}
	}
	if reachable != nil {
		checks = append(checks, health.Check{Name: "udp", Run: reachable})
	}
	settings := cfg.Health
	settings.Version = version
	m, err := health.New(settings, log, reg, checks...)
	if err != nil {
		return nil, err
	}
	c.add("health checks", m.Close)
	return m, nil
}
