package main

import (
	"context"
	"errors"
	"fmt"
)

type migrateCommand struct {
	Config string `help:"Configuration file." env:"BEDSIDE_CONFIG" placeholder:"FILE" type:"existingfile"`
	Data   string `help:"Data folder of the private cluster to migrate." placeholder:"DIR"`
}

// Run brings the tables of the database up to date. It locks the data folder only when the
// database is the private cluster in it.
func (c migrateCommand) Run(ctx context.Context, i *invocation) (err error) {
	cfg, err := i.settings(c.Config, map[string]string{"data": c.Data})
	if err != nil {
		return err
	}
	log := cfg.Log.Logger(i.err)
	parts := newClosers(log)
	defer func() { err = errors.Join(err, parts.closeAll(context.WithoutCancel(ctx))) }()
	db, err := openDatabaseAlone(ctx, cfg, parts, log)
	if err != nil {
		return err
	}
	version, err := db.Migrate(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(i.out, "the database is at version %d\n", version)
	return nil
}
