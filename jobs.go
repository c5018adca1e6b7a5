package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"bedside/api/archive"
	"bedside/api/mail"
	"bedside/api/media"
	"bedside/configs"
	"bedside/speech/upkeep"
	"bedside/speech/voice"
	"bedside/store"
	"bedside/store/postgres"
)

const (
	// sessionRetention is how long ended sessions are kept, so that a device that returns late
	// still learns why it was signed out.
	sessionRetention = 30 * 24 * time.Hour
	// unplayedRetention is how long an attempt may wait to be joined, and then to be played.
	unplayedRetention = 24 * time.Hour
	// pendingRetention is how long an account can wait until its address is confirmed.
	pendingRetention = 7 * 24 * time.Hour
	// maxArchive is the size limit of an archive: years of recordings.
	maxArchive = 16 << 30
	// reconcileEvery is the interval at which attempts are compared with their jobs and audio.
	reconcileEvery = 20 * time.Second
	// expireLimit is the time limit of one run of the retention; the next one goes on.
	expireLimit = 30 * time.Minute
	// countEvery is the interval at which changes of attempts are added to the numbers by day.
	countEvery = time.Minute
	// sweepLogEvery is the interval at which audio that is needed no longer leaves the log.
	sweepLogEvery = 5 * time.Minute
	// sweepMediaLimit is the time limit of one sweep of pictures and sounds; the next one goes on.
	sweepMediaLimit = 10 * time.Minute
	// jobLimit is the time limit of the other jobs.
	jobLimit = time.Minute
)

// openSender returns the sender of mail. The outbox is nil when there is a mail server.
func openSender(cfg configs.Config, log *slog.Logger) (mail.Sender, *mail.Outbox, error) {
	if cfg.Mail.SMTPURL != "" {
		sender, err := mail.NewSMTP(cfg.Mail.SMTPURL, cfg.Mail.From, time.Now)
		return sender, nil, err
	}
	outbox, err := mail.NewOutbox(filepath.Join(cfg.Data, "outbox"), cfg.Mail.From, time.Now)
	if err == nil && !cfg.LocalOnly() {
		log.Warn("no mail server is set: links to confirm addresses and to choose new passwords " +
			"stay in the data folder; set BEDSIDE_SMTP_URL")
	}
	return outbox, outbox, err
}

// openJobs begins to run the jobs that changes of accounts ask for. site returns the address that
// links in mail lead to.
func openJobs(ctx context.Context, cfg configs.Config, s stores, sender mail.Sender,
	site func() string, c *closers, log *slog.Logger) error {
	mailer, err := mail.New(s.db, sender, site, time.Now, log)
	if err != nil {
		return err
	}
	jobs, archives := s.db.Jobs(0), newArchivist(s, log)
	keeper := &upkeep.Keeper{
		Log: s.bus, Attempts: s.db, Audit: s.db, Keep: cfg.Retention.AudioLog,
		Clock: time.Now, Logger: log,
	}
	sweeper := &media.Sweeper{Store: s.db, Files: s.blob, Clock: time.Now, Log: log}
	if err := errors.Join(
		postgres.HandleJob(jobs, archive.Limit, archives.Make),
		postgres.HandleJob(jobs, jobLimit, archives.Remove),
		postgres.HandleJob(jobs, jobLimit, sweeper.Remove),
		postgres.HandleJob(jobs, sweepMediaLimit, func(ctx context.Context,
			_ store.SweepMedia) error {
			return errors.Join(putPictures(ctx, s), sweeper.Sweep(ctx), sweepLines(ctx, s, log))
		}),
		postgres.HandleJob(jobs, jobLimit, mailer.Deliver),
		postgres.HandleJob(jobs, jobLimit, func(ctx context.Context, _ store.Sweep) error {
			return sweep(ctx, s.db, log)
		}),
		postgres.HandleJob(jobs, expireLimit, func(ctx context.Context, _ store.Expire) error {
			return expire(ctx, s.db, cfg.Retention, time.Now())
		}),
		postgres.HandleJob(jobs, jobLimit, func(ctx context.Context, _ store.Reconcile) error {
			return keeper.Reconcile(ctx)
		}),
		postgres.HandleJob(jobs, jobLimit, func(ctx context.Context, _ store.CountPractice) error {
			_, err := s.db.FoldPractice(ctx)
			return err
		}),
		// A long sweep ends when the next one begins, so that it does not keep two places.
		postgres.HandleJob(jobs, sweepLogEvery, func(ctx context.Context, _ store.SweepLog) error {
			return keeper.Sweep(ctx)
		}),
	); err != nil {
		return err
	}
	jobs.Every(time.Hour, store.Sweep{})
	jobs.Every(time.Hour, store.Expire{})
	jobs.Every(time.Hour, store.SweepMedia{})
	jobs.Every(reconcileEvery, store.Reconcile{})
	jobs.Every(countEvery, store.CountPractice{})
	jobs.Every(sweepLogEvery, store.SweepLog{})
	if err := jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	c.add("jobs", jobs.Close)
	return nil
}

// sweepLines removes lines of automatic patients that were rendered long ago.
func sweepLines(ctx context.Context, s stores, log *slog.Logger) error {
	n, err := voice.Sweep(ctx, s.blob, time.Now())
	if n > 0 {
		log.Info("swept lines of automatic patients", "files", n)
	}
	return err
}

// newArchivist returns the service that makes archives of accounts, from the database and the
// files.
func newArchivist(s stores, log *slog.Logger) *archive.Archivist {
	var tables []archive.Table
	for _, p := range postgres.PersonalTables() {
		if p.Where == "" {
			continue
		}
		rows := func(ctx context.Context, userID string) ([]string, error) {
			return s.db.PersonalRows(ctx, p, userID)
		}
		tables = append(tables, archive.Table{Name: p.Table, Rows: rows})
	}
	openFile := func(ctx context.Context, key string) (io.ReadCloser, error) {
		return s.blob.Open(ctx, key)
	}
	return &archive.Archivist{
		Store: s.db, Files: s.blob.WithLimit(maxArchive), Open: openFile, Tables: tables, Log: log,
	}
}

// expire deletes recordings and role plays at the end of their retention, and enters in the audit
// trail how many.
func expire(ctx context.Context, db *postgres.DB, keep store.Retention, now time.Time) error {
	var errs []error
	for _, rule := range []struct {
		keep   time.Duration
		action store.Action
		do     func(context.Context, time.Time) (int64, error)
	}{
		{keep.Reports, store.ActExpireReports, db.ExpireReports},
		{keep.Recordings, store.ActExpireRecordings, db.ExpireRecordings},
	} {
		if rule.keep == 0 {
			continue
		}
		before := now.Add(-rule.keep)
		n, err := rule.do(ctx, before)
		errs = append(errs, err)
		if n > 0 {
			errs = append(errs, db.Record(ctx, store.Act{
				Action: rule.action, Detail: fmt.Sprintf("%d role plays that ended before %s", n,
					before.UTC().Format(time.RFC3339)),
			}))
		}
	}
	return errors.Join(errs...)
}

// sweep deletes expired sessions, tokens and archives, and attempts that nobody played.
func sweep(ctx context.Context, db *postgres.DB, log *slog.Logger) error {
	n, err := db.SweepSessions(ctx, time.Now().Add(-sessionRetention))
	if n > 0 {
		log.Info("deleted sessions that ended long ago", "sessions", n)
	}
	unplayed, unplayedErr := db.SweepAttempts(ctx, time.Now().Add(-unplayedRetention))
	if unplayed > 0 {
		log.Info("removed attempts that nobody played", "attempts", unplayed)
	}
	exams, examsErr := db.SweepExams(ctx, time.Now().Add(-unplayedRetention))
	if exams > 0 {
		log.Info("ended mock exams that nobody went on with", "exams", exams)
	}
	pending, pendingErr := db.SweepPending(ctx, time.Now().Add(-pendingRetention))
	if pending > 0 {
		log.Info("deleted accounts that were never confirmed", "accounts", pending)
	}
	return errors.Join(err, unplayedErr, examsErr, pendingErr, db.SweepAccounts(ctx),
		db.SweepExports(ctx))
}
