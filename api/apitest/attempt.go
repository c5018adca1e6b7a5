package apitest

import (
	"strings"
	"testing"
	"time"

	"bedside/api/attempts"
	"bedside/api/exams"
	"bedside/store"
)

// ScenarioSlug names a scenario that is in every database.
const ScenarioSlug = "nursing-insulin-at-home"

// NewAttempt creates an attempt of the client's, and returns its id.
func (c *Client) NewAttempt(t testing.TB) string {
	t.Helper()
	return c.NewAttemptOf(t, ScenarioSlug)
}

// NewAttemptOf is NewAttempt of a scenario.
func (c *Client) NewAttemptOf(t testing.TB, slug string) string {
	t.Helper()
	var a attempts.AttemptDetail
	c.Do(t, "POST", "/api/attempts", map[string]any{
		"scenario": slug, "consent": true,
	}).Expect(t, 201).Decode(t, &a)
	return a.ID
}

// NewReport creates an attempt that was played, with a report and the candidate's recording, and
// returns its id.
func (s *Server) NewReport(t testing.TB, candidate, tutor *Client) string {
	t.Helper()
	return s.NewReportOf(t, candidate, tutor, ScenarioSlug)
}

// NewReportOf is NewReport of a scenario.
func (s *Server) NewReportOf(t testing.TB, candidate, tutor *Client, slug string) string {
	t.Helper()
	id := candidate.NewAttemptOf(t, slug)
	tutor.Do(t, "POST", "/api/attempts/"+id+"/ticket", nil).Expect(t, 201)
	if _, err := s.DB.StartAttempt(t.Context(), id, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB.FinishAttempt(t.Context(), id, 0, time.Now()); err != nil {
		t.Fatal(err)
	}
	key := "attempts/" + id + "/candidate.ogg"
	if _, err := s.Blobs.Put(t.Context(), key, strings.NewReader("OggS0123456789"),
		"audio/ogg"); err != nil {
		t.Fatal(err)
	}
	report := store.Report{
		AttemptID: id, CreatedAt: time.Now(), StartedAt: time.Now(), DurationS: 300,
		Speakers: []store.SpeakerReport{{
			Speaker:   store.SpeakerCandidate,
			Recording: &store.Recording{Key: key, DurationS: 300, Bytes: 14},
			Peaks:     make([]float32, 6000),
		}},
	}
	if err := s.DB.SaveReport(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	return id
}

// ExamProfession is a profession with two scenarios in every database.
const ExamProfession = "dentistry"

// NewExam creates a mock exam of the client's, and returns its id.
func (c *Client) NewExam(t testing.TB) string {
	t.Helper()
	var e exams.Exam
	c.Do(t, "POST", "/api/exams", map[string]any{
		"profession": ExamProfession, "consent": true,
	}).Expect(t, 201).Decode(t, &e)
	return e.ID
}
