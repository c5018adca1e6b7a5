package client

import (
	"context"
	"net/http"
	"net/url"
)

// Exam is a mock exam: two role plays back to back.
type Exam struct {
	ID        string         `json:"id"`
	State     string         `json:"state"`
	RolePlays []ExamRolePlay `json:"role_plays"`
	Result    *ExamResult    `json:"result"` // once it is reported
}

// ExamRolePlay is one of the two role plays of an exam.
type ExamRolePlay struct {
	Position int          `json:"position"`
	Attempt  *ExamAttempt `json:"attempt"` // nil until it is begun
}

// ExamAttempt is an attempt of an exam.
type ExamAttempt struct {
	ID            string `json:"id"`
	State         string `json:"state"`
	ScenarioTitle string `json:"scenario_title"` // empty for its candidate before the preparation
}

// ExamResult is the result over both role plays.
type ExamResult struct {
	PlayS float64 `json:"play_s"`
	Parts []struct {
		AttemptID string       `json:"attempt_id"`
		Measures  ExamMeasures `json:"measures"`
	} `json:"parts"`
	Pooled ExamMeasures `json:"pooled"`
}

// ExamMeasures are measures of the candidate's voice that a result has for each part and pooled.
type ExamMeasures struct {
	PhonationTimeS float64 `json:"phonation_time_s"`
	Syllables      int     `json:"syllable_count"`
}

// CreateExam begins a mock exam of a profession. The candidate consents to the recording.
func (r *REST) CreateExam(ctx context.Context, profession string) (Exam, error) {
	var e Exam
	err := r.call(ctx, request{
		method: http.MethodPost, path: "/api/exams",
		body: map[string]any{"profession": profession, "consent": true},
	}, &e)
	return e, err
}

// Exam returns a mock exam.
func (r *REST) Exam(ctx context.Context, id string) (Exam, error) {
	var e Exam
	err := r.call(ctx, request{
		method: http.MethodGet, path: "/api/exams/" + url.PathEscape(id), repeatable: true,
	}, &e)
	return e, err
}

// BeginRolePlay creates the attempt of a mock exam's next role play.
func (r *REST) BeginRolePlay(ctx context.Context, examID string) (ExamAttempt, error) {
	var a ExamAttempt
	err := r.call(ctx, request{
		method: http.MethodPost, path: "/api/exams/" + url.PathEscape(examID) + "/attempts",
	}, &a)
	return a, err
}
