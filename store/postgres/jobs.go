package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bedside/store"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// Jobs runs jobs in this process. Its owner registers handlers (HandleJob, Every), then calls
// Start and finally Close.
type Jobs struct {
	db         *DB
	workers    *river.Workers
	maxRunning int
	periodic   []*river.PeriodicJob
	client     *river.Client[pgx.Tx] // nil until Start
}

// Jobs returns a runner of at most maxRunning jobs at once, 4 when zero. With one, jobs run in the
// order in which they were added. Archives and the upkeep of attempts run beside them.
func (db *DB) Jobs(maxRunning int) *Jobs {
	return &Jobs{db: db, workers: river.NewWorkers(), maxRunning: cmp.Or(maxRunning, 4)}
}

// HandleJob registers the function that runs jobs of type T. limit is the longest time that it may
// run. It may run more than once for one job. When it returns an error the job is retried, with
// growing delays, for about a day, unless the error is store.ErrInvalid, store.ErrNotFound or
// store.ErrExpired.
func HandleJob[T store.Job](j *Jobs, limit time.Duration,
	do func(context.Context, T) error) error {
	err := river.AddWorkerSafely(j.workers, &worker[T]{limit: limit, do: do, log: j.db.log})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	return nil
}

// Every adds a job at a regular interval, and once at the start. Of several processes only one
// does so. A job that fails is not retried: the next one follows.
func (j *Jobs) Every(interval time.Duration, job store.Job) {
	j.periodic = append(j.periodic, river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) {
			return job, &river.InsertOpts{MaxAttempts: 1, Queue: queueOf(job)}
		},
		&river.PeriodicJobOpts{ID: job.Kind(), RunOnStart: true}))
}

// Start starts running jobs. Cancelling ctx aborts the running jobs; Close stops in an orderly
// way.
func (j *Jobs) Start(ctx context.Context) (err error) {
	j.client, err = river.NewClient(riverpgxv5.New(j.db.pool), &river.Config{
		Logger: slog.New(atLeastWarn{j.db.log.Handler()}),
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: j.maxRunning},
			slowQueue:          {MaxWorkers: 1},
			upkeepQueue:        {MaxWorkers: 2}, // a sweep beside what runs every few seconds
		},
		Workers:      j.workers,
		PeriodicJobs: j.periodic,
	})
	if err == nil {
		err = j.client.Start(ctx)
	}
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	return nil
}

// stopTimeout is how long Close waits for running jobs.
const stopTimeout = 3 * time.Second

// Close stops taking jobs and waits up to stopTimeout for the running ones, then cancels them.
// Jobs that did not finish run again later or in another process.
func (j *Jobs) Close(ctx context.Context) error {
	if j.client == nil {
		return nil
	}
	// The rest of the shutdown time belongs to the open rooms.
	soft, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	err := j.client.Stop(soft)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err = j.client.StopAndCancel(hard)
	}
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	return nil
}

type worker[T store.Job] struct {
	river.WorkerDefaults[T]
	limit time.Duration
	do    func(context.Context, T) error
	log   *slog.Logger
}

// Timeout implements river.Worker.
func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return w.limit }

// Work implements river.Worker: it runs one job.
func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	err := w.do(ctx, job.Args)
	if errors.Is(err, store.ErrInvalid) || errors.Is(err, store.ErrNotFound) ||
		errors.Is(err, store.ErrExpired) {
		w.log.Warn("job failed and is not retried", "job", job.Kind, "id", job.ID, "error", err)
		return river.JobCancel(err)
	}
	switch {
	// The process is shutting down; the job runs again later.
	case err == nil || ctx.Err() != nil && context.Cause(ctx) == context.Canceled:
	case job.Attempt >= job.MaxAttempts:
		w.log.Error("job failed for the last time", "job", job.Kind, "id", job.ID, "attempt",
			job.Attempt, "error", err)
	default:
		w.log.Warn("job failed and is retried", "job", job.Kind, "id", job.ID, "attempt",
			job.Attempt, "error", err)
	}
	return err
}

// maxTries is how often a job is tried. River waits n to the fourth power seconds after the nth
// try, so the last try is about a day after the first.
const maxTries = 13

// slowQueue is for jobs that take minutes, so that mail does not wait for them.
const slowQueue = "slow"

// upkeepQueue is for jobs that keep attempts, jobs and audio in agreement, so that they do not
// wait for a mail server that does not answer.
const upkeepQueue = "upkeep"

// queueOf returns the queue that a job waits in. Jobs of the upkeep are not unique: one whose
// process was killed counts as running for an hour, and would keep the next ones from running.
func queueOf(job store.Job) string {
	switch job.(type) {
	case store.MakeExport, store.SweepMedia:
		return slowQueue
	case store.Reconcile, store.SweepLog:
		return upkeepQueue
	}
	return river.QueueDefault
}

// insertJobs adds jobs to the queue in the transaction.
func (db *DB) insertJobs(ctx context.Context, tx pgx.Tx, jobs []store.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(jobs))
	for i, job := range jobs {
		opts := &river.InsertOpts{MaxAttempts: maxTries, Queue: queueOf(job)}
		params[i] = river.InsertManyParams{Args: job, InsertOpts: opts}
	}
	if _, err := db.queue.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("adding jobs: %w", err)
	}
	return nil
}

// ApplyEffects adds jobs and audit entries that belong to no change of an account.
func (db *DB) ApplyEffects(ctx context.Context, after store.Effects) error {
	return db.within(ctx, "jobs", func(ctx context.Context, tx pgx.Tx) error {
		_, err := db.applyEffects(ctx, tx, store.User{}, after)
		return err
	})
}

// applyEffects applies the effects of a change of u in its transaction, and returns the ids of the
// sessions that it ended.
func (db *DB) applyEffects(ctx context.Context, tx pgx.Tx, u store.User,
	after store.Effects) (ended []string, err error) {
	if after.SignOut && u.ID != "" {
		ended, err = ids(ctx, tx, `UPDATE sessions SET ended_at = $2, end_reason = $4
			WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND id::text <> $3
			RETURNING id::text`,
			u.ID, db.now(), after.KeepSession, store.EndRevoked)
		if err != nil {
			return nil, err
		}
		if err := execAll(ctx, tx, u.ID,
			`DELETE FROM sign_ins WHERE user_id = $1`,
			// Somebody else may have requested these links. They must not open the account,
			// whether they are sent already or still in the queue.
			`DELETE FROM mail_tokens
				WHERE user_id = $1 AND purpose IN ('change', 'reset') AND used_at IS NULL`,
			`DELETE FROM river_job WHERE kind = 'mail' AND args @>
				jsonb_build_object('user_id', $1::text, 'letter', 'confirm-email')
				AND state <> 'running'`,
		); err != nil {
			return nil, err
		}
	}
	if after.OnlyPassword && u.ID != "" {
		if err := execAll(ctx, tx, u.ID, `DELETE FROM factors WHERE user_id = $1`,
			`DELETE FROM passkeys WHERE user_id = $1`,
			`DELETE FROM ceremonies WHERE user_id = $1`); err != nil {
			return nil, err
		}
	}
	for _, act := range after.Acts {
		if err := db.record(ctx, tx, act); err != nil {
			return nil, err
		}
	}
	return ended, db.insertJobs(ctx, tx, after.Jobs)
}

// execAll runs statements whose only parameter is the user's id, one after the other.
func execAll(ctx context.Context, tx pgx.Tx, userID string, statements ...string) error {
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql, userID); err != nil {
			return err
		}
	}
	return nil
}

// atLeastWarn is a handler that drops River's messages below warnings.
type atLeastWarn struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h atLeastWarn) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h atLeastWarn) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeastWarn{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h atLeastWarn) WithGroup(name string) slog.Handler {
	return atLeastWarn{h.Handler.WithGroup(name)}
}
