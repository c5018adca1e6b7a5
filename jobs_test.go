package main

import (
	"strings"
	"testing"
	"time"

	"bedside/store"
	"bedside/store/postgres"
	"bedside/store/postgres/pgtest"
)

// Recordings go first and their report says so, then the role play. The audit trail counts both.
func TestRetentionIsCarriedOutAndAudited(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, postgres.Defaults()).DB
	ctx := t.Context()
	if err := db.Seed(ctx, true); err != nil {
		t.Fatal(err)
	}
	u, err := db.CreateUser(ctx, store.User{
		Email: "dana@example.org", Name: "Dana", Role: store.RoleCandidate, PasswordHash: "x",
	})
	if err != nil {
		t.Fatal(err)
	}
	scenario, err := db.PublishedScenario(ctx, "nursing-insulin-at-home")
	if err != nil {
		t.Fatal(err)
	}
	a, err := db.CreateAttempt(ctx, store.NewAttempt{
		CandidateID: u.ID, ScenarioID: scenario.ID, Consent: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.StartAttempt(ctx, a.ID, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := db.SaveReport(ctx, store.Report{
		AttemptID: a.ID, Speakers: []store.SpeakerReport{{
			Speaker:   store.SpeakerCandidate,
			Recording: &store.Recording{Key: "attempts/" + a.ID + "/candidate.ogg"},
		}},
	}); err != nil {
		t.Fatal(err)
	}
	keep := store.Retention{Recordings: 24 * time.Hour, Reports: 48 * time.Hour}
	for _, step := range []struct {
		after  time.Duration
		action store.Action // that is new in the audit trail
		state  store.RecordingState
	}{
		{23 * time.Hour, "", store.RecordingKept},
		{25 * time.Hour, store.ActExpireRecordings, store.RecordingDeleted},
		{47 * time.Hour, "", store.RecordingDeleted},
		{49 * time.Hour, store.ActExpireReports, ""},
	} {
		before, err := db.Acts(ctx, store.ActFilter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		if err := expire(ctx, db, keep, time.Now().Add(step.after)); err != nil {
			t.Fatal(err)
		}
		acts, err := db.Acts(ctx, store.ActFilter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		switch added := acts[:len(acts)-len(before)]; {
		case step.action == "" && len(added) != 0,
			step.action != "" && (len(added) != 1 || added[0].Action != step.action ||
				!strings.HasPrefix(added[0].Detail, "1 role plays")):
			t.Errorf("after %v: acts %+v, want %q", step.after, added, step.action)
		}
		r, err := db.Report(ctx, a.ID)
		if (err == nil) != (step.state != "") ||
			err == nil && r.Speakers[0].Recording.State != step.state {
			t.Errorf("after %v: %v, want the recording %q", step.after, err, step.state)
		}
	}
}
