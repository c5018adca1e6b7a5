// Package upkeep keeps attempts in PostgreSQL, jobs and the audio log in agreement after faults of
// storage.
//
// An attempt that is played or analysed has a job, and so has one whose recordings follow its
// report. When the stream of jobs was deleted or has lost messages, Reconcile queues the job
// again. The worker that gets it finds what is left: the log, the recordings, or nothing, and then
// the attempt fails, so that nobody waits for a report that will not come. Sweep removes audio
// that is needed no longer. When a media server that was cut off has sent more after the report,
// it has the attempt analysed again.
package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"bedside/speech/bus"
	"bedside/speech/frame"
	"bedside/store"
)

// Log is the audio log with its jobs.
type Log interface {
	Logged(ctx context.Context) ([]bus.Logged, error)
	Jobs(ctx context.Context) ([]string, error)
	Requeue(ctx context.Context, job frame.Job) error
	// Forget removes an attempt's job and audio.
	Forget(ctx context.Context, attemptID string) error
}

// Attempts are the attempts in the database.
type Attempts interface {
	// Unfinished returns at most limit attempts that are played or analysed, or whose recordings
	// follow their report, oldest first.
	Unfinished(ctx context.Context, limit int) ([]store.Unfinished, error)
	// AttemptsInLog returns the attempts with these ids that exist.
	AttemptsInLog(ctx context.Context, ids []string) ([]store.Unfinished, error)
	// ReopenAttempt makes a reported attempt wait for a second report, of audio whose latest
	// came at lastAt. live means that the play goes on. It returns store.ErrState when the report
	// came later.
	ReopenAttempt(ctx context.Context, id string, lastAt time.Time, live bool) error
}

// Audit is the audit trail.
type Audit interface {
	Record(ctx context.Context, act store.Act) error
}

// Keeper does the upkeep. Its methods may run in several processes at once.
type Keeper struct {
	Log      Log
	Attempts Attempts
	Audit    Audit
	Keep     time.Duration // how long audio stays in the log after a failure; zero: for ever
	Clock    func() time.Time
	Logger   *slog.Logger
}

const (
	// fresh is the time that a play's job has to be published, while NATS answers.
	fresh = 10 * time.Second
	// waiting is the time without progress after which the log says that an analysis waits.
	waiting = time.Minute
	// most is the number of attempts that one run looks at.
	most = 1000
)

// Reconcile queues the jobs again that unfinished attempts have lost.
func (k *Keeper) Reconcile(ctx context.Context) error {
	// The database first: an attempt that is analysed by its answer and done by the next one is
	// reported by then, and a worker ends the job of such an attempt at once.
	list, err := k.Attempts.Unfinished(ctx, most)
	if err != nil || len(list) == 0 {
		return err
	}
	jobs, err := k.Log.Jobs(ctx)
	if err != nil {
		return err
	}
	var errs []error
	waits := 0
	for _, u := range list {
		quiet := k.Clock().Sub(u.Since())
		_, hasJob := slices.BinarySearch(jobs, u.ID)
		switch {
		case !hasJob && quiet >= fresh:
			k.Logger.Warn("an attempt has no job; queued again", "attempt", u.ID, "state",
				u.State)
			errs = append(errs, k.Log.Requeue(ctx, job(u)))
		case hasJob && quiet > waiting && u.State == store.AttemptAnalysing:
			waits++
		}
	}
	if waits > 0 {
		k.Logger.Warn("attempts wait for their analysis; does a process with the role speech run?",
			"attempts", waits)
	}
	return errors.Join(errs...)
}

// job returns the job of an attempt.
func job(u store.Unfinished) frame.Job {
	started := u.CreatedAt
	if u.StartedAt != nil {
		started = *u.StartedAt
	}
	return frame.Job{AttemptID: u.ID, StartedAt: started}
}
