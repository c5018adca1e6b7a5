package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"bedside/api"
	"bedside/store/postgres"
	"bedside/store/postgres/embedded"
	"bedside/web"
)

type openapiCommand struct{}

func (openapiCommand) Run(s *streams) error {
	b, err := api.OpenAPI()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, string(b))
	return err
}

type migrateCommand struct {
	Config string `help:"Configuration file." env:"BEDSIDE_CONFIG" placeholder:"FILE" type:"existingfile"`
	Data   string `help:"Data folder, when its private cluster is to be migrated." placeholder:"DIR"`
}

func (c migrateCommand) Run(ctx context.Context, s *streams) (err error) {
	cfg, err := serveCommand{Config: c.Config, Data: c.Data}.settings(s.env)
	if err != nil {
		return err
	}
	log := cfg.Log.Logger(s.err)
	if cfg.Postgres.URL == "" {
		lock, err := lockFolder(cfg.Data)
		if err != nil {
			return err
		}
		defer lock.Close()
		cluster, err := embedded.Start(ctx,
			embedded.Config{Dir: filepath.Join(cfg.Data, "postgres")}, log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, cluster.Close(context.WithoutCancel(ctx))) }()
		cfg.Postgres.URL = cluster.URL()
	}
	db, err := postgres.Open(ctx, cfg.Postgres, log)
	if err != nil {
		return err
	}
	defer db.Close()
	version, err := db.Migrate(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "the database is at version %d\n", version)
	return nil
}

// findPostgres describes the installed PostgreSQL for the doctor.
func findPostgres() (string, bool) {
	b, err := embedded.Find()
	if err != nil {
		return err.Error(), false
	}
	return fmt.Sprintf("PostgreSQL %d in %s", b.Major, b.Dir), true
}

func webBuilt() bool { return web.Built() }
