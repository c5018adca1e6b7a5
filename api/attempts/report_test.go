package attempts_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/attempts"
	"bedside/store"
)

func TestReadReportAndRecording(t *testing.T) {
	s := apitest.NewServer(t)
	candidate, tutor := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleTutor)
	id := s.NewReport(t, candidate, tutor)
	path := "/api/attempts/" + id

	a := candidate.Do(t, "GET", path+"/report", nil).Expect(t, 200)
	var report store.Report
	a.Decode(t, &report)
	if report.AttemptID != id || len(report.Speakers) != 1 ||
		bytes.Contains(a.Data, []byte("null,")) && bytes.Contains(a.Data, []byte(`"gaps":null`)) {
		t.Errorf("report %.300s", a.Data)
	}
	zipped := candidate.Do(t, "GET", path+"/report", nil, "Accept-Encoding", "gzip").Expect(t, 200)
	if zipped.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal("not compressed")
	}
	z, err := gzip.NewReader(bytes.NewReader(zipped.Data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil || !json.Valid(plain) {
		t.Errorf("compressed report: %v", err)
	}
	identity := candidate.Do(t, "GET", path+"/report", nil, "Accept-Encoding",
		"identity").Expect(t, 200)
	if !bytes.Equal(identity.Data, plain) {
		t.Error("the compressed report has other content")
	}
	candidate.Do(t, "GET", path+"/report", nil, "If-None-Match",
		a.Header.Get("ETag")).Expect(t, http.StatusNotModified)

	sound := candidate.Do(t, "GET", path+"/audio/candidate", nil).Expect(t, 200)
	if sound.Header.Get("Content-Type") != "audio/ogg" || string(sound.Data) != "OggS0123456789" {
		t.Errorf("audio %q", sound.Data)
	}
	part := candidate.Do(t, "GET", path+"/audio/candidate", nil, "Range",
		"bytes=4-6").Expect(t, 206)
	if string(part.Data) != "012" {
		t.Errorf("range %q", part.Data)
	}
	candidate.Do(t, "GET", path+"/audio/candidate", nil, "Range", "bytes=99-").Expect(t, 416)
	candidate.Do(t, "GET", path+"/audio/patient", nil).Problem(t, 404, "no-recording")
	candidate.Do(t, "GET", path+"/audio/nobody", nil).Problem(t, 422, "invalid")

	var detail attempts.AttemptDetail
	candidate.Do(t, "GET", path, nil).Expect(t, 200).Decode(t, &detail)
	if detail.Scenario.Patient == nil || detail.Partner == nil || detail.Partner.ID != tutor.ID {
		t.Errorf("after the report: %+v", detail)
	}
}

func TestMissingReportHasAReason(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	id := p.NewAttempt(t)
	expect := func(code string, state store.AttemptState) {
		t.Helper()
		pr := p.Do(t, "GET", "/api/attempts/"+id+"/report", nil).Problem(t, 404, code)
		if len(pr.Errors) != 1 || pr.Errors[0].Location != "state" ||
			pr.Errors[0].Message != string(state) {
			t.Errorf("state %+v, want %s", pr.Errors, state)
		}
	}
	expect("report-pending", store.AttemptCreated)
	for _, step := range []func(context.Context, string, int64,
		time.Time) (store.Attempt, error){s.DB.StartAttempt, s.DB.FinishAttempt} {
		if _, err := step(t.Context(), id, 0, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	expect("report-pending", store.AttemptAnalysing)
	if err := s.DB.FailAttempt(t.Context(), id, "There was no audio."); err != nil {
		t.Fatal(err)
	}
	expect("report-failed", store.AttemptFailed)
}

func TestRecordingThatCannotBePlayedSaysWhy(t *testing.T) {
	s := apitest.NewServer(t)
	p := s.NewUser(t, store.RoleCandidate)
	id := s.NewReport(t, p, s.NewUser(t, store.RoleTutor))
	for state, code := range map[store.RecordingState]string{
		store.RecordingPending: "recording-pending", store.RecordingFailed: "recording-failed",
		store.RecordingDeleted: "recording-deleted",
	} {
		if err := s.DB.ChangeRecordings(t.Context(), id,
			func(_ store.Speaker, rec *store.Recording) { rec.State = state }); err != nil {
			t.Fatal(err)
		}
		p.Do(t, "GET", "/api/attempts/"+id+"/audio/candidate", nil).Problem(t, 404, code)
		var report store.Report
		p.Do(t, "GET", "/api/attempts/"+id+"/report", nil).Expect(t, 200).Decode(t, &report)
		if got := report.Speakers[0].Recording; got == nil || got.State != state {
			t.Errorf("the report says %+v, want %s", got, state)
		}
	}
}

func TestRetryAnalysis(t *testing.T) {
	s := apitest.NewServer(t)
	p, admin := s.NewUser(t, store.RoleCandidate), s.NewUser(t, store.RoleAdmin)
	id := p.NewAttempt(t)
	path := "/api/attempts/" + id
	admin.Do(t, "POST", path+"/retry", nil).Problem(t, 409, "wrong-state")
	if err := s.DB.FailAttempt(t.Context(), id, "It crashed."); err != nil {
		t.Fatal(err)
	}
	admin.Do(t, "POST", path+"/retry", nil).Expect(t, 202)
	var a attempts.AttemptDetail
	p.Do(t, "GET", path, nil).Expect(t, 200).Decode(t, &a)
	if a.State != store.AttemptAnalysing || a.Problem != "" {
		t.Errorf("the attempt is %s, problem %q", a.State, a.Problem)
	}
	acts, err := s.DB.Acts(t.Context(), store.ActFilter{
		UserID: p.ID, Action: store.ActRetry, Limit: 10,
	})
	if err != nil || len(acts) != 1 || acts[0].ActorID != admin.ID ||
		acts[0].Object != "attempt "+id {
		t.Errorf("acts %+v, %v", acts, err)
	}
}

func TestRetentionIsTold(t *testing.T) {
	s := apitest.NewServer(t, func(_ *api.Config, d *api.Deps) {
		d.Retention = store.Retention{Recordings: 24 * time.Hour, AudioLog: time.Hour}
	})
	var got attempts.Retention
	s.NewUser(t, store.RoleCandidate).Do(t, "GET", "/api/retention", nil).Expect(t,
		200).Decode(t, &got)
	if want := (attempts.Retention{RecordingsS: 86400, AudioLogS: 3600}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
