package postgres_test

import (
	"testing"
	"time"

	"bedside/store"

	"github.com/google/uuid"
)

func TestOnlyCrashesAndFailuresAreTries(t *testing.T) {
	a := newAttempt(t, newUser(t, store.RoleCandidate))
	begin := func(want int) {
		t.Helper()
		if got, err := db.BeginAnalysis(t.Context(), a.ID); err != nil || got != want {
			t.Errorf("%d tries, %v; want %d", got, err, want)
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
	if _, err := db.StartAttempt(t.Context(), a.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	expect(t, db.SaveReport(t.Context(), store.Report{AttemptID: a.ID}), nil)
	_, err = db.BeginAnalysis(t.Context(), a.ID)
	expect(t, err, store.ErrState)
}
