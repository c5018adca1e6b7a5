package postgres_test

import (
	"slices"
	"testing"
	"time"

	"bedside/store"

	"github.com/google/uuid"
)

func TestOnlyCrashesAndFailuresAreTries(t *testing.T) {
	a := newAttempt(t, newUser(t, store.RoleCandidate))
	begin := func(want int) {
		t.Helper()
		got, err := db.BeginAnalysis(t.Context(), a.ID)
		if err != nil || got.Number != want || got.ReportedAt != nil {
			t.Errorf("%+v, %v; want the number %d", got, err, want)
		}
	}
	for range 20 { // graceful restarts
		begin(1)
		expect(t, db.ReleaseAnalysis(t.Context(), a.ID), nil)
	}
	begin(1) // crashes
	begin(2)
	begin(3) // loses its connection, so that another worker begins
	begin(4)
	expect(t, db.ContinueAnalysis(t.Context(), a.ID, 3), nil)
	begin(4)

	_, err := db.BeginAnalysis(t.Context(), uuid.NewString())
	expect(t, err, store.ErrNotFound)
	if _, err := db.StartAttempt(t.Context(), a.ID, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	expect(t, db.SaveReport(t.Context(), store.Report{AttemptID: a.ID}), nil)
	_, err = db.BeginAnalysis(t.Context(), a.ID)
	expect(t, err, store.ErrState)
}

func TestUnfinishedAttempts(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	unplayed, playing, analysing, reported := newAttempt(t, u).ID, newAttempt(t, u).ID,
		newAttempt(t, u).ID, newAttempt(t, u).ID
	now := time.Now()
	for _, id := range []string{playing, analysing, reported} {
		if _, err := db.StartAttempt(t.Context(), id, 0, now.Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.FinishAttempt(t.Context(), analysing, 0, now); err != nil {
		t.Fatal(err)
	}
	expect(t, db.SaveReport(t.Context(), store.Report{AttemptID: reported}), nil)
	if _, err := db.BeginAnalysis(t.Context(), analysing); err != nil {
		t.Fatal(err)
	}
	list, err := db.Unfinished(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]store.Unfinished{}
	for _, one := range list {
		found[one.ID] = one
	}
	for id, want := range map[string]bool{
		unplayed: false, playing: true, analysing: true, reported: false,
	} {
		if _, ok := found[id]; ok != want {
			t.Errorf("attempt %s: listed %v, want %v", id, ok, want)
		}
	}
	if found[analysing].ProgressAt == nil || found[playing].ProgressAt != nil {
		t.Errorf("progress: %v and %v", found[analysing].ProgressAt, found[playing].ProgressAt)
	}
}

func TestAttemptsInLog(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	silent, recorded := newAttempt(t, u).ID, newAttempt(t, u).ID
	if _, err := db.StartAttempt(t.Context(), recorded, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	expect(t, db.SaveReport(t.Context(), store.Report{
		AttemptID: recorded, Speakers: []store.SpeakerReport{{
			Speaker:   store.SpeakerCandidate,
			Recording: &store.Recording{Key: "a", State: store.RecordingFailed},
		}},
	}), nil)
	list, err := db.AttemptsInLog(t.Context(), []string{
		silent, recorded, uuid.NewString(), "not-an-id",
	})
	if err != nil || len(list) != 2 {
		t.Fatalf("%d attempts, %v", len(list), err)
	}
	for _, one := range list {
		want := []store.RecordingState{}
		if (one.ReportedAt != nil) != (one.ID == recorded) {
			t.Errorf("attempt %s is reported at %v", one.ID, one.ReportedAt)
		}
		if one.ID == recorded {
			want = append(want, store.RecordingFailed)
		}
		if !slices.Equal(one.Recordings, want) {
			t.Errorf("recordings %q, want %q", one.Recordings, want)
		}
	}
}

// A media server that was cut off has sent more audio since the report.
func TestReopenAttempt(t *testing.T) {
	a := newAttempt(t, newUser(t, store.RoleCandidate))
	now := time.Now().UTC().Truncate(time.Microsecond)
	report := func(at time.Time) {
		t.Helper()
		expect(t, db.SaveReport(t.Context(), store.Report{
			AttemptID: a.ID, StartedAt: now.Add(-time.Hour), CreatedAt: at,
			Speakers: []store.SpeakerReport{{
				Speaker:   store.SpeakerCandidate,
				Recording: &store.Recording{Key: "a", State: store.RecordingPending},
			}},
		}), nil)
	}
	expect(t, db.ReopenAttempt(t.Context(), a.ID, now, true), store.ErrState)
	report(now.Add(-time.Minute))
	expect(t, db.ReopenAttempt(t.Context(), a.ID, now, true), nil)
	_, err := db.FinishAttempt(t.Context(), a.ID, 0, now) // it went on
	expect(t, err, nil)
	// Its first recording was not stored yet; a whole report is wanted all the same.
	if try, err := db.BeginAnalysis(t.Context(), a.ID); err != nil || try.ReportedAt != nil {
		t.Errorf("%+v, %v", try, err)
	}
	report(now.Add(time.Minute))
	expect(t, db.ReopenAttempt(t.Context(), a.ID, now, false), store.ErrState)
	expect(t, db.ReopenAttempt(t.Context(), a.ID, now.Add(time.Hour), false), nil)
	got, err := db.FindAttempt(t.Context(), a.ID)
	if err != nil || got.State != store.AttemptAnalysing || got.EndedAt == nil ||
		!got.EndedAt.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRetryAnalysis(t *testing.T) {
	a := newAttempt(t, newUser(t, store.RoleCandidate))
	retry := func() error {
		t.Helper()
		_, err := db.RetryAnalysis(t.Context(), a.ID, func(a store.Attempt) store.Act {
			return store.Act{Action: store.ActRetry, UserID: a.CandidateID}
		})
		return err
	}
	expect(t, retry(), store.ErrState)
	if _, err := db.StartAttempt(t.Context(), a.ID, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if _, err := db.BeginAnalysis(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, db.FailAttempt(t.Context(), a.ID, "It crashed."), nil)
	expect(t, retry(), nil)
	if try, err := db.BeginAnalysis(t.Context(), a.ID); err != nil || try.Number != 1 {
		t.Errorf("%+v, %v: not the first try", try, err)
	}
	// Its recordings were given up long after the report.
	expect(t, db.SaveReport(t.Context(), store.Report{
		AttemptID: a.ID, CreatedAt: time.Now().Add(-100 * time.Hour),
		Speakers: []store.SpeakerReport{{
			Speaker:   store.SpeakerCandidate,
			Recording: &store.Recording{Key: "a", State: store.RecordingFailed},
		}},
	}), nil)
	expect(t, retry(), nil)
	try, err := db.BeginAnalysis(t.Context(), a.ID)
	if err != nil || try.Number != 1 || try.ReportedAt == nil ||
		time.Since(*try.ReportedAt) > time.Hour {
		t.Errorf("%+v, %v: storing must be tried for days again", try, err)
	}
	expect(t, db.ChangeRecordings(t.Context(), a.ID, func(_ store.Speaker, r *store.Recording) {
		r.State = store.RecordingKept
	}), nil)
	expect(t, retry(), store.ErrState)
}
