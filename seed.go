package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/signaling/client/rehearsal"
	"bedside/store/postgres"
)

type seedCommand struct {
	Config   string `help:"Configuration file." env:"BEDSIDE_CONFIG" placeholder:"FILE" type:"existingfile"`
	Data     string `help:"Data folder of the private cluster to fill." placeholder:"DIR"`
	Users    int    `help:"Number of invented users, to whom nobody can sign in." default:"1000"`
	Attempts int    `help:"Number of attempts, over the last two years." default:"10000"`
	Force    bool   `help:"Fill a database that has accounts besides the demo accounts."`
}

// errRealAccounts is returned when the database to fill has accounts of people.
var errRealAccounts = errors.New("the database has accounts besides the demo accounts; invented " +
	"ones would be mixed with them. Use another data folder, or --force")

// Run fills the database with invented users and attempts, to try the pages and to measure. The
// same numbers give the same rows, up to the hour at which they end. No server may use the
// database meanwhile.
func (c seedCommand) Run(ctx context.Context, i *invocation) (err error) {
	size := postgres.FillSize{Users: c.Users, Attempts: c.Attempts}
	if err := size.Validate(); err != nil {
		return fmt.Errorf("%w: %w", rehearsal.ErrUsage, err)
	}
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
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	real, err := db.HasRealAccounts(ctx)
	if err != nil {
		return err
	}
	if real && !c.Force {
		return errRealAccounts
	}
	if err := db.Seed(ctx, cfg.HasDemo()); err != nil {
		return err
	}
	began := time.Now()
	if err := db.Fill(ctx, size, func(step string) {
		fmt.Fprintf(i.out, "%6.1f s  %s\n", time.Since(began).Seconds(), step)
	}); err != nil {
		return err
	}
	fmt.Fprintf(i.out, "%6.1f s  %d users and %d attempts\n", time.Since(began).Seconds(),
		c.Users, c.Attempts)
	return nil
}
