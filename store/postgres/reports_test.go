package postgres_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"slices"
	"testing"
	"time"

	"bedside/store"
)

// The document is a report as it was stored before reports had a version.
func TestStoredReportWithoutVersionIsReadable(t *testing.T) {
	document, err := os.ReadFile("../testdata/report-without-version.json")
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	if _, err := z.Write(document); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	a := newAttempt(t, newUser(t, store.RoleCandidate))
	if err := execSQL(t, db.Cluster.URL(),
		"INSERT INTO reports (attempt_id, created_at, body) VALUES ($1, $2, $3)", a.ID, time.Now(),
		body.Bytes()); err != nil {
		t.Fatal(err)
	}
	r, err := db.Report(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	// The attempt has no recordings, so the report must not refer to any.
	if r.SchemaVersion != store.ReportVersion || len(r.Speakers) != 2 ||
		r.Speakers[0].Analysis.Measures.SyllableCount != 23 || r.Speakers[0].Recording != nil {
		t.Errorf("version %d, %d speakers", r.SchemaVersion, len(r.Speakers))
	}
}

func TestRecordingsFollowTheirReport(t *testing.T) {
	u := newUser(t, store.RoleCandidate)
	a := newAttempt(t, u)
	if _, err := db.StartAttempt(t.Context(), a.ID, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	saved := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
	expect(t, db.SaveReport(t.Context(), store.Report{
		AttemptID: a.ID, CreatedAt: saved, Speakers: []store.SpeakerReport{{
			Speaker: store.SpeakerCandidate,
			Recording: &store.Recording{
				Key: "attempts/x/candidate.ogg", State: store.RecordingPending, DurationS: 5,
			},
		}},
	}), nil)
	unfinished := func() bool {
		t.Helper()
		list, err := db.Unfinished(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(list, func(u store.Unfinished) bool { return u.ID == a.ID })
	}
	files := func() int {
		t.Helper()
		list, err := db.PersonalFiles(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	try, err := db.BeginAnalysis(t.Context(), a.ID)
	if err != nil || try.ReportedAt == nil || !try.ReportedAt.Equal(saved) {
		t.Errorf("%+v, %v; want the time of the report", try, err)
	}
	if !unfinished() || files() != 0 {
		t.Errorf("pending: unfinished %v, %d files to have a copy of", unfinished(), files())
	}
	expect(t, db.ChangeRecordings(t.Context(), a.ID,
		func(_ store.Speaker, rec *store.Recording) {
			rec.State, rec.Bytes = store.RecordingKept, 77
		}), nil)
	r, err := db.Report(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := store.Recording{
		Key: "attempts/x/candidate.ogg", State: store.RecordingKept, DurationS: 5, Bytes: 77,
	}
	if got := r.Speakers[0].Recording; got == nil || *got != want || !r.CreatedAt.Equal(saved) {
		t.Errorf("recording %+v of a report of %v", got, r.CreatedAt)
	}
	if unfinished() || files() != 1 {
		t.Errorf("kept: unfinished %v, %d files", unfinished(), files())
	}
	_, err = db.BeginAnalysis(t.Context(), a.ID)
	expect(t, err, store.ErrState)
}

// The partner has deleted the account while the recordings followed: the partner's does not come.
func TestRecordingOfAPartnerWhoLeftDoesNotFollow(t *testing.T) {
	tutor := newUser(t, store.RoleTutor)
	a := newAttempt(t, newUser(t, store.RoleCandidate))
	if _, err := db.SeatPartner(t.Context(), a.ID, tutor.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := db.StartAttempt(t.Context(), a.ID, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	r := store.Report{AttemptID: a.ID, CreatedAt: time.Now()}
	for _, s := range []store.Speaker{store.SpeakerCandidate, store.SpeakerPatient} {
		r.Speakers = append(r.Speakers, store.SpeakerReport{
			Speaker: s,
			Recording: &store.Recording{
				Key: "attempts/x/" + string(s), State: store.RecordingPending,
			},
		})
	}
	expect(t, db.SaveReport(t.Context(), r), nil)
	if _, err := db.DeleteUser(t.Context(), tutor.ID,
		func(store.User) (store.Effects, error) { return store.Effects{}, nil }); err != nil {
		t.Fatal(err)
	}
	var offered []store.Speaker
	expect(t, db.ChangeRecordings(t.Context(), a.ID,
		func(who store.Speaker, rec *store.Recording) {
			offered = append(offered, who)
			rec.State = store.RecordingKept
		}), nil)
	after, err := db.Report(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(offered, []store.Speaker{store.SpeakerCandidate}) ||
		after.Speakers[0].Recording == nil || after.Speakers[1].Recording != nil {
		t.Errorf("offered %q, recordings %+v and %+v", offered, after.Speakers[0].Recording,
			after.Speakers[1].Recording)
	}
}
