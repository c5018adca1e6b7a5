package upkeep

import (
	"slices"
	"testing"
	"time"

	"bedside/speech/bus"
	"bedside/store"
)

func TestMayGo(t *testing.T) {
	const keep = 24 * time.Hour
	hour, days := ago(time.Hour), ago(2*keep)
	with := func(u store.Unfinished, recordings ...store.RecordingState) store.Unfinished {
		u.Recordings = recordings
		return u
	}
	old := func(state store.AttemptState, ended *time.Time) store.Unfinished {
		u := unfinished(state, "", ended, nil)
		u.CreatedAt, u.StartedAt = *days, days
		return u
	}
	for name, tc := range map[string]struct {
		attempt store.Unfinished
		deleted bool
		audio   *time.Time // when the latest arrived; nil: long ago
		want    bool
	}{
		"deleted":               {deleted: true, want: true},
		"played":                {attempt: old(store.AttemptPlaying, nil)},
		"analysed":              {attempt: old(store.AttemptAnalysing, hour)},
		"reported":              {attempt: old(store.AttemptReported, hour), want: true},
		"reported a moment ago": {attempt: old(store.AttemptReported, ago(time.Second))},
		"its recording follows": {
			attempt: with(old(store.AttemptReported, days), store.RecordingKept,
				store.RecordingPending),
		},
		"its recording could not be stored": {
			attempt: with(old(store.AttemptReported, hour), store.RecordingFailed),
		},
		"its recording could not be stored long ago": {
			attempt: with(old(store.AttemptReported, days), store.RecordingFailed), want: true,
		},
		"failed":          {attempt: old(store.AttemptFailed, hour)},
		"failed long ago": {attempt: old(store.AttemptFailed, days), want: true},
		"failed long ago, some audio late": {
			attempt: old(store.AttemptFailed, days), audio: hour, want: true,
		},
		"never played": {attempt: old(store.AttemptAbandoned, nil), want: true},
		"played, but its start is not recorded": {
			attempt: old(store.AttemptPreparing, nil), audio: ago(time.Second),
		},
		"played before an outage of the database": {
			attempt: old(store.AttemptPreparing, nil), audio: ago(50 * time.Minute),
		},
		"prepared, and its audio is old": {
			attempt: old(store.AttemptPreparing, nil), audio: ago(2 * time.Hour), want: true,
		},
		"reported, and the rest arrives": {
			attempt: old(store.AttemptReported, hour), audio: ago(time.Second), want: true,
		},
		"deleted, and audio arrives": {deleted: true, audio: ago(time.Second), want: true},
	} {
		logged := bus.Logged{LastAt: *days}
		if tc.audio != nil {
			logged.LastAt = *tc.audio
		}
		if got := mayGo(tc.attempt, !tc.deleted, logged, keep, now); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	if mayGo(old(store.AttemptFailed, days), true, bus.Logged{LastAt: *days}, 0, now) {
		t.Error("audio of a failed attempt goes although it is kept for ever")
	}
}

func TestSweep(t *testing.T) {
	w := &world{
		attempts: []store.Unfinished{
			unfinished(store.AttemptPlaying, "live", nil, nil),
			unfinished(store.AttemptReported, "late", ago(time.Hour), nil),
			unfinished(store.AttemptFailed, "failed", ago(48*time.Hour), nil),
		},
		logged: []bus.Logged{
			{AttemptID: "failed"}, {AttemptID: "gone"}, {AttemptID: "late"}, {AttemptID: "live"},
		},
	}
	w.attempts[2].CreatedAt, w.attempts[2].StartedAt = *ago(49 * time.Hour), ago(49*time.Hour)
	k := w.keeper()
	k.Keep = 24 * time.Hour
	if err := k.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"failed", "gone", "late"}; !slices.Equal(w.forgotten, want) {
		t.Errorf("removed %q, want %q", w.forgotten, want)
	}
	if len(w.acts) != 1 || w.acts[0].Action != store.ActExpireAudio ||
		w.acts[0].Detail != "1 role plays whose analysis failed" {
		t.Errorf("acts %+v", w.acts)
	}
}

// The media server was cut off from the log, so the worker took the play for ended.
func TestSweepHasWhatArrivesAfterTheReportAnalysed(t *testing.T) {
	reported := func(id string) store.Unfinished {
		u := unfinished(store.AttemptReported, id, ago(10*time.Minute), nil)
		u.ReportedAt = ago(10 * time.Minute)
		return u
	}
	hour, moment := *ago(time.Hour), *ago(time.Second)
	w := &world{
		attempts: []store.Unfinished{
			reported("ended"), reported("goes on"), reported("waits"), reported("came late"),
			reported("too long"),
		},
		logged: []bus.Logged{
			{AttemptID: "came late", FirstAt: moment, LastAt: moment},
			{AttemptID: "ended", FirstAt: hour, LastAt: *ago(time.Minute), Ended: true},
			{AttemptID: "goes on", FirstAt: hour, LastAt: moment},
			{AttemptID: "too long", FirstAt: *ago(3 * time.Hour), LastAt: *ago(2 * time.Hour)},
			{AttemptID: "waits", FirstAt: hour, LastAt: *ago(11 * time.Minute)},
		},
	}
	if err := w.keeper().Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"ended", "goes on (live)"}; !slices.Equal(w.reopened, want) {
		t.Errorf("reopened %q, want %q", w.reopened, want)
	}
	if len(w.requeued) != 2 || w.requeued[0].AttemptID != "ended" {
		t.Errorf("queued %+v", w.requeued)
	}
	if want := []string{"came late", "too long"}; !slices.Equal(w.forgotten, want) {
		t.Errorf("removed %q, want %q", w.forgotten, want)
	}
}
