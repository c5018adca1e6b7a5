package upkeep

import (
	"context"
	"errors"
	"fmt"
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

func TestJudge(t *testing.T) {
	analysing := unfinished(store.AttemptAnalysing, "", ago(time.Minute), nil)
	for name, tc := range map[string]struct {
		attempt              store.Unfinished
		job, audio, roomOpen bool
		want                 verdict
	}{
		"waits for a worker": {attempt: analysing, job: true, audio: true, want: nothing},
		// the worker fails it
		"the job has no audio": {attempt: analysing, job: true, want: nothing},
		"the job is gone":      {attempt: analysing, audio: true, want: requeue},
		"both are gone":        {attempt: analysing, want: lost},
		"has only just ended": {
			attempt: unfinished(store.AttemptAnalysing, "", ago(20*time.Second), nil),
			want:    nothing,
		},
		"was analysed a moment ago": {
			attempt: unfinished(store.AttemptAnalysing, "", ago(time.Hour), ago(time.Second)),
			want:    nothing,
		},
		"plays, and the job is gone": {
			attempt: unfinished(store.AttemptPlaying, "", nil, nil), audio: true, roomOpen: true,
			want: requeue,
		},
		"plays, and all is gone": {
			attempt: unfinished(store.AttemptPlaying, "", nil, nil), roomOpen: true, want: nothing,
		},
		"played, its room is gone and all is gone": {
			attempt: unfinished(store.AttemptPlaying, "", nil, nil), want: lost,
		},
		"played, its room is gone": {
			attempt: unfinished(store.AttemptPlaying, "", nil, nil), audio: true, want: requeue,
		},
	} {
		if got := judge(tc.attempt, tc.job, tc.audio, tc.roomOpen, now); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// world is all that a Keeper uses, in memory.
type world struct {
	attempts []store.Unfinished
	jobs     []string
	logged   []bus.Logged
	rooms    []string
	refusal  error // of failures

	requeued  []frame.Job
	failed    []string
	announced []string
	forgotten []string
	asked     int // how often the log was listed
}

func (w *world) Unfinished(context.Context, int) ([]store.Unfinished, error) {
	return w.attempts, nil
}
func (w *world) Jobs(context.Context) ([]string, error) { return w.jobs, nil }

func (w *world) Logged(context.Context) ([]bus.Logged, error) {
	w.asked++
	return w.logged, nil
}

func (w *world) Requeue(_ context.Context, j frame.Job) error {
	w.requeued = append(w.requeued, j)
	return nil
}

func (w *world) FailAttempt(_ context.Context, id, problem string) error {
	if w.refusal != nil {
		return w.refusal
	}
	w.failed = append(w.failed, id+": "+problem)
	return nil
}

func (w *world) ChangeRecordings(_ context.Context, id string,
	rule func(store.Speaker, *store.Recording)) error {
	rec := store.Recording{State: store.RecordingPending}
	rule(store.SpeakerCandidate, &rec)
	w.failed = append(w.failed, id+": recording "+string(rec.State))
	return nil
}

func (w *world) PublishReportReady(_ context.Context, id, problem string) error {
	w.announced = append(w.announced, id+": "+problem)
	return nil
}

func (w *world) Forget(_ context.Context, id string) error {
	w.forgotten = append(w.forgotten, id)
	return nil
}

func (w *world) AttemptsInLog(context.Context, []string) ([]store.Unfinished, error) {
	return w.attempts, nil
}

func (w *world) Room(_ context.Context, id string) (r store.RoomInfo, err error) {
	if !slices.Contains(w.rooms, id) {
		err = fmt.Errorf("room: %w", store.ErrNotFound)
	}
	return r, err
}

func (w *world) keeper() *Keeper {
	return &Keeper{
		Log: w, Attempts: w, Rooms: w, Clock: func() time.Time { return now },
		Logger: slog.New(slog.DiscardHandler),
	}
}

func TestReconcile(t *testing.T) {
	hour := ago(time.Hour)
	w := &world{
		attempts: []store.Unfinished{
			unfinished(store.AttemptAnalysing, "waiting", hour, nil),
			unfinished(store.AttemptAnalysing, "jobless", hour, nil),
			unfinished(store.AttemptAnalysing, "gone", hour, nil),
			unfinished(store.AttemptPlaying, "live", nil, nil),
			unfinished(store.AttemptReported, "silent", hour, nil),
		},
		jobs:   []string{"other", "waiting"},
		logged: []bus.Logged{{AttemptID: "jobless"}, {AttemptID: "waiting"}},
		rooms:  []string{"live"},
	}
	if err := w.keeper().Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "gone: " + store.ProblemAudioLost
	if len(w.requeued) != 1 || w.requeued[0].AttemptID != "jobless" ||
		!w.requeued[0].StartedAt.Equal(*ago(5 * time.Minute)) ||
		!slices.Equal(w.failed, []string{want, "silent: recording failed"}) ||
		!slices.Equal(w.announced, []string{want}) {
		t.Errorf("queued %+v, failed %q, announced %q", w.requeued, w.failed, w.announced)
	}
	if w.asked != 1 {
		t.Errorf("the log was listed %d times", w.asked)
	}
}

func TestReconcileLooksAtTheLogOnlyWhenAJobIsGone(t *testing.T) {
	w := &world{
		attempts: []store.Unfinished{unfinished(store.AttemptPlaying, "live", nil, nil)},
		jobs:     []string{"live"},
	}
	if err := w.keeper().Reconcile(t.Context()); err != nil || w.asked != 0 {
		t.Errorf("%v, the log was listed %d times", err, w.asked)
	}
}

func TestReportedMeanwhile(t *testing.T) {
	w := &world{
		attempts: []store.Unfinished{
			unfinished(store.AttemptAnalysing, "reported", ago(time.Hour), nil),
		},
		refusal: store.ErrState,
	}
	if err := w.keeper().Reconcile(t.Context()); err != nil || len(w.announced) != 0 {
		t.Errorf("%v, announced %q", err, w.announced)
	}
	w.refusal = errors.New("no database")
	if err := w.keeper().Reconcile(t.Context()); !errors.Is(err, w.refusal) {
		t.Error(err)
	}
}
