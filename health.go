package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"

	"bedside/api/health"
	"bedside/configs"
	"bedside/store/blob"

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
		checks = append(checks, health.Check{Name: "recordings", Run: writesTo(s.blob)})
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

// writesTo returns a check that writes and deletes a small file. All processes use the same one,
// so that a process that is killed between the two leaves nothing for long.
func writesTo(files *blob.Store) func(context.Context) error {
	const key = "health/check"
	return func(ctx context.Context) error {
		_, err := files.Put(ctx, key, bytes.NewReader([]byte("ok\n")), "text/plain")
		return errors.Join(err, files.Delete(ctx, key))
	}
}
