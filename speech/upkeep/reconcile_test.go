package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"bedside/speech/bus"
	"bedside/speech/frame"
	"bedside/store"
)

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func ago(d time.Duration) *time.Time {
	t := now.Add(-d)
	return &t
}

// unfinished returns an attempt whose play began five minutes before end, or before now.
func unfinished(state store.AttemptState, id string, ended, progress *time.Time) store.Unfinished {
	return store.Unfinished{
		Attempt: store.Attempt{
			ID: id, State: state, CreatedAt: *ago(time.Hour), StartedAt: ago(5 * time.Minute),
			EndedAt: ended,
		},
		ProgressAt: progress,
	}
}

// world is all that a Keeper uses, in memory.
type world struct {
	attempts  []store.Unfinished
	jobs      []string
	logged    []bus.Logged
	refusal   error // of the queue
	requeued  []frame.Job
	forgotten []string
	reopened  []string
	acts      []store.Act
}

func (w *world) Unfinished(context.Context, int) ([]store.Unfinished, error) {
	return w.attempts, nil
}

func (w *world) AttemptsInLog(context.Context, []string) ([]store.Unfinished, error) {
	return w.attempts, nil
}

func (w *world) Jobs(context.Context) ([]string, error)       { return w.jobs, nil }
func (w *world) Logged(context.Context) ([]bus.Logged, error) { return w.logged, nil }

func (w *world) Requeue(_ context.Context, j frame.Job) error {
	if w.refusal != nil {
		return w.refusal
	}
	w.requeued = append(w.requeued, j)
	return nil
}

func (w *world) Forget(_ context.Context, id string) error {
	w.forgotten = append(w.forgotten, id)
	return nil
}

func (w *world) ReopenAttempt(_ context.Context, id string, _ time.Time, live bool) error {
	if live {
		id += " (live)"
	}
	w.reopened = append(w.reopened, id)
	return nil
}

func (w *world) Record(_ context.Context, act store.Act) error {
	w.acts = append(w.acts, act)
	return nil
}

func (w *world) keeper() *Keeper {
	return &Keeper{
		Log: w, Attempts: w, Audit: w, Clock: func() time.Time { return now },
		Logger: slog.New(slog.DiscardHandler),
	}
}

func TestReconcile(t *testing.T) {
	hour := ago(time.Hour)
	beginning := unfinished(store.AttemptPlaying, "beginning", nil, nil)
	beginning.StartedAt = ago(time.Second)
	w := &world{
		attempts: []store.Unfinished{
			unfinished(store.AttemptAnalysing, "waiting", hour, nil),
			unfinished(store.AttemptAnalysing, "jobless", hour, nil),
			unfinished(store.AttemptPlaying, "live", nil, nil),
			unfinished(store.AttemptPlaying, "jobless and live", nil, nil),
			unfinished(store.AttemptReported, "without its recording", hour, hour),
			unfinished(store.AttemptAnalysing, "just retried", hour, ago(time.Second)),
			beginning,
		},
		jobs: []string{"live", "other", "waiting"},
	}
	if err := w.keeper().Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, j := range w.requeued {
		ids = append(ids, j.AttemptID)
		if !j.StartedAt.Equal(*ago(5 * time.Minute)) {
			t.Errorf("the job of %s starts at %v", j.AttemptID, j.StartedAt)
		}
	}
	want := []string{"jobless", "jobless and live", "without its recording"}
	if !slices.Equal(ids, want) {
		t.Errorf("queued %q, want %q", ids, want)
	}
	w.refusal = errors.New("no NATS")
	if err := w.keeper().Reconcile(t.Context()); !errors.Is(err, w.refusal) {
		t.Error(err)
	}
}
