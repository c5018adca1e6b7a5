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

// Jobs does what transactions have asked for, in this process. Whoever made it adds kinds of
// jobs, then starts and closes it.
type Jobs struct {
	db       *DB
	workers  *river.Workers
	atOnce   int
	periodic []*river.PeriodicJob
	client   *river.Client[pgx.Tx] // nil until Start
}

// Jobs gives this process a part in doing jobs: so many at once, 4 when zero. With one, they are
// done in the order in which they were asked for.
func (db *DB) Jobs(atOnce int) *Jobs {
	return &Jobs{db: db, workers: river.NewWorkers(), atOnce: cmp.Or(atOnce, 4)}
}

// HandleJob adds a kind of jobs. do may run more than once for one job, and for no longer than
// limit. A job whose do fails is tried again, later and later, for about a day; one that fails
// with store.ErrInvalid, store.ErrNotFound or store.ErrExpired is given up.
func HandleJob[T store.Job](j *Jobs, limit time.Duration,
	do func(context.Context, T) error) error {
	err := river.AddWorkerSafely(j.workers, &worker[T]{limit: limit, do: do, log: j.db.log})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	return nil
}

// Every asks for a job again and again, by one process of all, and once at the start.
func (j *Jobs) Every(interval time.Duration, job store.Job) {
	j.periodic = append(j.periodic, river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) {
			return job, &river.InsertOpts{MaxAttempts: 3}
		},
		&river.PeriodicJobOpts{ID: job.Kind(), RunOnStart: true}))
}

// Start begins to work. Cancel ctx to abandon the jobs that run; Close ends in order.
func (j *Jobs) Start(ctx context.Context) (err error) {
	j.client, err = river.NewClient(riverpgxv5.New(j.db.pool), &river.Config{
		Logger: slog.New(atLeastWarn{j.db.log.Handler()}),
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: j.atOnce}, slowQueue: {MaxWorkers: 1},
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

// stopLimit is how long jobs that run may go on when the process ends.
const stopLimit = 3 * time.Second

// Close takes no further jobs and waits a moment for those that run; what did not get done is
// done by another process, or later.
func (j *Jobs) Close(ctx context.Context) error {
	if j.client == nil {
		return nil
	}
	// rooms that are open need the rest of the time
	soft, cancel := context.WithTimeout(ctx, stopLimit)
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

// Timeout is River's question for the limit.
func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return w.limit }

// Work does one job.
func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	err := w.do(ctx, job.Args)
	if errors.Is(err, store.ErrInvalid) || errors.Is(err, store.ErrNotFound) ||
		errors.Is(err, store.ErrExpired) {
		w.log.Warn("a job was given up", "job", job.Kind, "id", job.ID, "error", err)
		return river.JobCancel(err)
	}
	switch {
	// the process ends; the job is done later
	case err == nil || ctx.Err() != nil && context.Cause(ctx) == context.Canceled:
	case job.Attempt >= job.MaxAttempts:
		w.log.Error("a job failed for good", "job", job.Kind, "id", job.ID, "attempt", job.Attempt,
			"error", err)
	default:
		w.log.Warn("a job failed and is tried again", "job", job.Kind, "id", job.ID, "attempt",
			job.Attempt, "error", err)
	}
	return err
}

// attempts is how often a job is tried: with River's way of waiting, the fourth power of the
// attempt in seconds, the last is a day after the first.
const attempts = 13

// slowQueue holds the jobs that take minutes, so that letters need not wait for them.
const slowQueue = "slow"

// insertJobs adds jobs to the queue in the transaction.
func (db *DB) insertJobs(ctx context.Context, tx pgx.Tx, jobs []store.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(jobs))
	for i, job := range jobs {
		opts := &river.InsertOpts{MaxAttempts: attempts}
		if _, slow := job.(store.MakeExport); slow {
			opts.Queue = slowQueue
		}
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
		ended, err = collect(ctx, tx, `UPDATE sessions SET ended_at = $2, end_reason = $4
			WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND id::text <> $3 RETURNING id::text`,
			[]any{u.ID, db.now(), after.KeepSession, store.EndRevoked}, func(id *string) []any { return []any{id} })
		if err != nil {
			return nil, err
		}
		if err := each(ctx, tx, u.ID,
			`DELETE FROM sign_ins WHERE user_id = $1`, // those half done
			// Nor does a link that somebody else may have asked for give the account away, on its
			// way or not.
			`DELETE FROM mail_tokens WHERE user_id = $1 AND purpose IN ('change', 'reset') AND used_at IS NULL`,
			`DELETE FROM river_job WHERE kind = 'mail' AND args->>'user_id' = $1::text AND args->>'letter' = 'confirm-email' AND state <> 'running'`,
		); err != nil {
			return nil, err
		}
	}
	if after.OnlyPassword && u.ID != "" {
		if err := each(ctx, tx, u.ID, `DELETE FROM factors WHERE user_id = $1`,
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

// each runs statements about a user, one after the other.
func each(ctx context.Context, tx pgx.Tx, userID string, statements ...string) error {
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql, userID); err != nil {
			return err
		}
	}
	return nil
}

// atLeastWarn leaves out what River tells of its daily life.
type atLeastWarn struct{ slog.Handler }

// Enabled is the handler's question.
func (h atLeastWarn) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the limit.
func (h atLeastWarn) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeastWarn{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the limit.
func (h atLeastWarn) WithGroup(name string) slog.Handler {
	return atLeastWarn{h.Handler.WithGroup(name)}
}
