package postgres_test

import (
	"testing"
	"time"

	"bedside/store"
)

func TestUnplayedAttemptsAreSwept(t *testing.T) {
	candidate := newUser(t, store.RoleCandidate)
	now := time.Now()
	expectDone := func(_ store.Attempt, err error) { expect(t, err, nil) }
	unjoined, joined, played := newAttempt(t, candidate).ID, newAttempt(t, candidate).ID,
		newAttempt(t, candidate).ID
	expectDone(db.PrepareAttempt(t.Context(), joined, 0, now))
	expectDone(db.PrepareAttempt(t.Context(), played, 0, now))
	expectDone(db.StartAttempt(t.Context(), played, 0, now))
	states := func() map[string]store.AttemptState {
		t.Helper()
		found := map[string]store.AttemptState{}
		views, err := db.AttemptsOf(t.Context(), candidate.ID, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			found[v.Attempt.ID] = v.Attempt.State
		}
		return found
	}
	if _, err := db.SweepAttempts(t.Context(), now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := states(); len(got) != 3 || got[joined] != store.AttemptPreparing {
		t.Errorf("swept too early: %v", got)
	}
	if n, err := db.SweepAttempts(t.Context(), now.Add(time.Hour)); err != nil || n < 2 {
		t.Errorf("%d attempts swept, %v", n, err)
	}
	got := states()
	if _, ok := got[unjoined]; ok || got[joined] != store.AttemptAbandoned ||
		got[played] != store.AttemptPlaying {
		t.Errorf("after the sweep: %v", got)
	}
}
