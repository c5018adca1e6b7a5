package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"bedside/configs"
	"bedside/store"
	"bedside/store/folder"
	"bedside/store/postgres"
	"bedside/store/postgres/embedded"
	"bedside/store/wait"
)

type retryCommand struct {
	Attempt string        `arg:"" help:"Id of the attempt."`
	Config  string        `help:"Configuration file." env:"BEDSIDE_CONFIG" placeholder:"FILE" type:"existingfile"`
	Data    string        `help:"Data folder, when the database is the private cluster in it." placeholder:"DIR"`
	Wait    time.Duration `help:"How long to wait for the outcome; 0: not at all." default:"2m"`
}

// retryPause is the time between two looks at the attempt.
const retryPause = 500 * time.Millisecond

// Run makes a failed attempt wait for its analysis again, and a reported one for recordings that
// were given up. A server queues the job and analyses what is left: the audio in the log or else
// the recordings.
func (c retryCommand) Run(ctx context.Context, i *invocation) (err error) {
	if !store.IsID(c.Attempt) {
		return fmt.Errorf("%w: %.80q is no id of an attempt", configs.ErrFlags, c.Attempt)
	}
	cfg, err := i.settings(c.Config, map[string]string{"data": c.Data})
	if err != nil {
		return err
	}
	log := cfg.Log.Logger(i.err)
	parts := newClosers(log)
	defer func() { err = errors.Join(err, parts.closeAll(context.WithoutCancel(ctx))) }()
	db, served, err := openDatabaseBeside(ctx, cfg, parts, log)
	if err != nil {
		return err
	}
	a, err := db.RetryAnalysis(ctx, c.Attempt, func(a store.Attempt) store.Act {
		return store.Act{
			Action: store.ActRetry, UserID: a.CandidateID, Object: "attempt " + a.ID,
			Detail: "bedside retry",
		}
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("there is no attempt %s", c.Attempt)
	case errors.Is(err, store.ErrState):
		return fmt.Errorf("there is nothing to try again: %w", err)
	case err != nil:
		return err
	}
	if !served || c.Wait == 0 {
		fmt.Fprintf(i.out, "attempt %s waits for its analysis\n", a.ID)
		return nil
	}
	fmt.Fprintf(i.err, "attempt %s waits for its analysis\n", a.ID)
	return c.outcome(ctx, db, i)
}

// outcome waits for the outcome and prints it.
func (c retryCommand) outcome(ctx context.Context, db *postgres.DB, i *invocation) error {
	for began := time.Now(); time.Since(began) < c.Wait; {
		list, err := db.AttemptsInLog(ctx, []string{c.Attempt})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("attempt %s was deleted meanwhile", c.Attempt)
		}
		switch u := list[0]; {
		case u.State == store.AttemptFailed:
			return fmt.Errorf("the analysis failed again: %s", u.Problem)
		case u.State == store.AttemptReported && u.Has(store.RecordingFailed):
			return errors.New("the recordings cannot be stored: their audio is gone")
		case u.State == store.AttemptReported && !u.Has(store.RecordingPending):
			fmt.Fprintf(i.out, "attempt %s is reported\n", c.Attempt)
			return nil
		}
		if err := wait.For(ctx, retryPause); err != nil {
			return err
		}
	}
	return fmt.Errorf("attempt %s still waits after %v: do processes with the roles api and "+
		"speech run, and is there space for recordings?", c.Attempt, c.Wait)
}

// openDatabaseBeside opens the database for a command that a server may run beside. served is
// false when the database is the private cluster and no server runs on it.
func openDatabaseBeside(ctx context.Context, cfg configs.Config, c *closers,
	log *slog.Logger) (db *postgres.DB, served bool, err error) {
	if cfg.Postgres.URL != "" {
		db, err = openDatabase(ctx, cfg, c, log)
		return db, true, err
	}
	err = lockFolder(cfg, c)
	if err == nil {
		if db, err = openDatabase(ctx, cfg, c, log); err != nil {
			return nil, false, err
		}
		_, err = db.Migrate(ctx)
		return db, false, err
	}
	if !errors.Is(err, folder.ErrInUse) {
		return nil, false, err
	}
	cluster, err := embedded.Attach(filepath.Join(cfg.Data, "postgres"))
	if err != nil {
		return nil, false, err
	}
	c.add("address of the private PostgreSQL",
		func(context.Context) error { return cluster.Close() })
	cfg.Postgres.URL = cluster.URL()
	db, err = openDatabase(ctx, cfg, c, log)
	return db, true, err
}
