// Package upkeep keeps attempts in PostgreSQL, jobs and the audio log in agreement after faults of
// storage.
//
// An attempt that is played or analysed has a job, and its audio is in the log. When a stream was
// deleted or lost messages, Reconcile queues the job again while there is audio, and fails the
// attempt when there is none, so that nobody waits for a report that will not come. Sweep removes
// audio that is needed no longer.
package upkeep

import (
	"context"
	"errors"
	"fmt"
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
	// PublishReportReady announces that there will be no report.
	PublishReportReady(ctx context.Context, attemptID, problem string) error
}

// Attempts are the attempts in the database.
type Attempts interface {
	// Unfinished returns at most limit attempts that are played or analysed, or whose recordings
	// follow their report, oldest first.
	Unfinished(ctx context.Context, limit int) ([]store.Unfinished, error)
	// AttemptsInLog returns the attempts with these ids that exist.
	AttemptsInLog(ctx context.Context, ids []string) ([]store.Unfinished, error)
	FailAttempt(ctx context.Context, attemptID, problem string) error
	// ChangeRecordings runs a rule on the recordings of a report.
	ChangeRecordings(ctx context.Context, attemptID string,
		rule func(store.Speaker, *store.Recording)) error
}

// Rooms knows the open rooms. The error is store.ErrNotFound for a room that is not open.
type Rooms interface {
	Room(ctx context.Context, id string) (store.RoomInfo, error)
}

// Keeper does the upkeep. Its methods may run in several processes at once.
type Keeper struct {
	Log      Log
	Attempts Attempts
	Rooms    Rooms
	Keep     time.Duration // how long audio stays in the log after a failure; zero: for ever
	Clock    func() time.Time
	Logger   *slog.Logger
}

const (
	// quiet is the time without progress after which an attempt without audio is lost. A tap that
	// was without NATS publishes within it.
	quiet = 30 * time.Second
	// waiting is the time without progress after which the log says that an analysis waits.
	waiting = time.Minute
	// most is the number of attempts that one run looks at.
	most = 1000
)

// verdict is what an attempt needs.
type verdict int

const (
	nothing verdict = iota
	requeue         // its job is gone, its audio is not
	lost            // both are gone
)

// judge returns what an attempt needs.
func judge(u store.Unfinished, hasJob, hasAudio, roomOpen bool, now time.Time) verdict {
	switch {
	case hasJob:
		return nothing
	case hasAudio:
		return requeue
	case u.State == store.AttemptPlaying && roomOpen, now.Sub(u.Since()) < quiet:
		return nothing
	}
	return lost
}

// Reconcile compares attempts, jobs and the log, and repairs what does not fit.
func (k *Keeper) Reconcile(ctx context.Context) error {
	// The database first: an attempt that is analysed by its answer and done by the next one is
	// reported by then, which refuses to fail and needs no job.
	list, err := k.Attempts.Unfinished(ctx, most)
	if err != nil || len(list) == 0 {
		return err
	}
	jobs, err := k.Log.Jobs(ctx)
	if err != nil {
		return err
	}
	var logged []bus.Logged // asked for when it matters: it costs a request for each attempt
	var errs []error
	waits := 0
	for _, u := range list {
		_, hasJob := slices.BinarySearch(jobs, u.ID)
		if hasJob {
			if u.State == store.AttemptAnalysing && k.Clock().Sub(u.Since()) > waiting {
				waits++
			}
			continue
		}
		if logged == nil {
			if logged, err = k.Log.Logged(ctx); err != nil {
				return errors.Join(append(errs, err)...)
			}
		}
		hasAudio := slices.ContainsFunc(logged, func(l bus.Logged) bool {
			return l.AttemptID == u.ID
		})
		errs = append(errs, k.repair(ctx, u, hasAudio))
	}
	if waits > 0 {
		k.Logger.Warn("attempts wait for their analysis; does a process with the role speech run?",
			"attempts", waits)
	}
	return errors.Join(errs...)
}

// repair gives an attempt without a job what it needs.
func (k *Keeper) repair(ctx context.Context, u store.Unfinished, hasAudio bool) error {
	roomOpen := false
	if u.State == store.AttemptPlaying {
		_, err := k.Rooms.Room(ctx, u.ID)
		roomOpen = !errors.Is(err, store.ErrNotFound) // open as well while nobody can tell
	}
	switch judge(u, false, hasAudio, roomOpen, k.Clock()) {
	case requeue:
		k.Logger.Warn("the job of an attempt was lost; queued again", "attempt", u.ID)
		started := u.CreatedAt
		if u.StartedAt != nil {
			started = *u.StartedAt
		}
		return k.Log.Requeue(ctx, frame.Job{AttemptID: u.ID, StartedAt: started})
	case lost:
		k.Logger.Error("the audio of an attempt was lost", "attempt", u.ID)
		return k.fail(ctx, u)
	}
	return nil
}

// fail fails an attempt whose audio was lost or, if it is reported, the recordings that follow.
func (k *Keeper) fail(ctx context.Context, u store.Unfinished) error {
	reported := u.State == store.AttemptReported
	var err error
	if reported {
		err = k.Attempts.ChangeRecordings(ctx, u.ID,
			func(_ store.Speaker, rec *store.Recording) { rec.GiveUp() })
	} else {
		err = k.Attempts.FailAttempt(ctx, u.ID, store.ProblemAudioLost)
	}
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrState):
		return nil // deleted or reported meanwhile
	case err != nil:
		return fmt.Errorf("attempt %s: %w", u.ID, err)
	case reported:
		return nil
	}
	return k.Log.PublishReportReady(ctx, u.ID, store.ProblemAudioLost)
}
