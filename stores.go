package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"bedside/configs"
	"bedside/speech/bus"
	"bedside/store/blob"
	"bedside/store/folder"
	"bedside/store/postgres"
	"bedside/store/postgres/embedded"
	"bedside/store/presence"

	"github.com/prometheus/client_golang/prometheus"
)

// stores are the parts that keep state outside the process. Without an address of its own each
// keeps it in the data folder or in memory.
type stores struct {
	db       *postgres.DB
	presence *presence.Presence
	blob     *blob.Store
	bus      *bus.Bus
}

// openStores opens all of them, with the database's tables up to date.
func openStores(ctx context.Context, cfg configs.Config, c *closers, log *slog.Logger,
	reg prometheus.Registerer) (s stores, err error) {
	if s.db, err = openDatabase(ctx, cfg, c, log); err != nil {
		return s, err
	}
	if _, err := s.db.Migrate(ctx); err != nil {
		return s, fmt.Errorf("database: %w", err)
	}
	if cfg.Has("api") {
		if err := s.db.Seed(ctx, cfg.HasDemo()); err != nil {
			return s, err
		}
		if err := createFirstAdmin(ctx, cfg, s.db, log); err != nil {
			return s, err
		}
	}
	if s.presence, err = presence.Open(cfg.Presence, log); err != nil {
		return s, err
	}
	c.add("presence", func(context.Context) error { return s.presence.Close() })
	files := cfg.Blob
	files.Dir = filepath.Join(cfg.Data, "blob")
	if s.blob, err = blob.Open(ctx, files); err != nil {
		return s, err
	}
	c.add("recordings", func(context.Context) error { return s.blob.Close() })
	messages := cfg.Bus
	messages.Dir = filepath.Join(cfg.Data, "nats")
	messages.MaxAge = cfg.Retention.LogAge()
	if s.bus, err = bus.Open(ctx, messages, log, reg); err != nil {
		return s, err
	}
	c.add("bus", s.bus.Close)
	return s, nil
}

// openDatabaseAlone opens the database for a command without a server. It locks the data folder
// when the database is the private cluster in it.
func openDatabaseAlone(ctx context.Context, cfg configs.Config, c *closers,
	log *slog.Logger) (*postgres.DB, error) {
	if cfg.Postgres.URL == "" {
		if err := lockFolder(cfg, c); err != nil {
			return nil, err
		}
	}
	return openDatabase(ctx, cfg, c, log)
}

// openDatabase opens the database, after starting the private cluster when there is no address.
func openDatabase(ctx context.Context, cfg configs.Config, c *closers,
	log *slog.Logger) (*postgres.DB, error) {
	database := cfg.Postgres
	if database.URL == "" {
		cluster, err := embedded.Start(ctx,
			embedded.Config{Dir: filepath.Join(cfg.Data, "postgres")}, log)
		if err != nil {
			return nil, err
		}
		c.add("private PostgreSQL", cluster.Close)
		database.URL = cluster.URL()
	}
	db, err := postgres.Open(ctx, database, log)
	if err != nil {
		return nil, err
	}
	c.add("database", func(context.Context) error { db.Close(); return nil })
	return db, nil
}

// lockFolder locks the data folder until the closers run.
func lockFolder(cfg configs.Config, c *closers) error {
	lock, err := folder.Acquire(cfg.Data)
	if err != nil {
		return err
	}
	c.add("data folder", func(context.Context) error { return lock.Close() })
	return nil
}
