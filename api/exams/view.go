package exams

import (
	"time"

	"bedside/store"
)

// Exam is a mock exam.
type Exam struct {
	ID         string          `json:"id" format:"uuid"`
	State      store.ExamState `json:"state" enum:"warm_up,first,between,second,analysing,reported,failed,abandoned" doc:"reported: at least one role play has a report; failed: no report could be made; abandoned: nothing was played"`
	Profession string          `json:"profession" example:"nursing"`
	Candidate  string          `json:"candidate_id" format:"uuid"`
	Consent    bool            `json:"consent"`
	CreatedAt  time.Time       `json:"created_at"`
	ChangedAt  time.Time       `json:"changed_at" doc:"when the state last changed"`
	EndedAt    *time.Time      `json:"ended_at,omitempty" doc:"when both role plays were over, or the exam was given up"`
	WaitsUntil *time.Time      `json:"waits_until,omitempty" doc:"in the warm-up and between the role plays: when the exam ends by itself if the candidate does not go on"`
	Next       *NextRolePlay   `json:"next,omitempty" doc:"what can be begun now; absent during a role play, and when the exam is over"`
	RolePlays  []ExamRolePlay  `json:"role_plays" doc:"the two of them, in order"`
	Result     *ExamResult     `json:"result,omitempty" doc:"when the state is reported; not in lists"`
}

// NextRolePlay is the role play that can be begun.
type NextRolePlay struct {
	Position int  `json:"position" minimum:"1" maximum:"2"`
	Replaces bool `json:"replaces" doc:"it repeats a role play that failed by the server's fault"`
}

// ExamRolePlay is one of the two role plays of a mock exam.
type ExamRolePlay struct {
	Position       int          `json:"position" minimum:"1" maximum:"2"`
	PrepareSeconds int          `json:"prepare_seconds" example:"180"`
	PlaySeconds    int          `json:"play_seconds" example:"300"`
	Replaced       bool         `json:"replaced" doc:"an attempt before failed by the server's fault, and was repeated"`
	Attempt        *ExamAttempt `json:"attempt,omitempty" doc:"absent until the role play is begun"`
}

// ExamAttempt is an attempt of a mock exam.
type ExamAttempt struct {
	ID            string             `json:"id" format:"uuid"`
	State         store.AttemptState `json:"state" enum:"created,preparing,playing,analysing,reported,failed,abandoned"`
	Position      int                `json:"position" minimum:"1" maximum:"2"`
	ScenarioSlug  string             `json:"scenario_slug,omitempty" doc:"the candidate is told when the preparation begins"`
	ScenarioTitle string             `json:"scenario_title,omitempty"`
	PartnerName   string             `json:"partner_name,omitempty"`
	StartedAt     *time.Time         `json:"started_at,omitempty" doc:"when the play began"`
	EndedAt       *time.Time         `json:"ended_at,omitempty" doc:"when the play ended"`
	Problem       string             `json:"problem,omitempty" doc:"why there is no report"`
}

// ExamResult is one report over both role plays.
type ExamResult struct {
	Parts       []ExamPart       `json:"parts" doc:"of the role plays that have a report, in order"`
	PlayS       float64          `json:"play_s" doc:"how long both were played, seconds"`
	Pooled      store.Measures   `json:"pooled" doc:"the measures of the candidate's voice over all parts: sums are added, rates and means follow from the sums; null where that says nothing"`
	PooledTurns store.TurnTotals `json:"pooled_turns"`
	BreakS      *float64         `json:"break_s,omitempty" doc:"from the end of the first play to the preparation of the second, seconds"`
}

// ExamPart is what the result has of one role play.
type ExamPart struct {
	Position int `json:"position" minimum:"1" maximum:"2"`
	store.ExamPart
}

func (s *Service) view(v store.ExamView, u store.User) Exam {
	now := s.Clock()
	v.Expire(now) // of the copy: the sweep ends the stored one
	out := Exam{
		ID: v.ID, State: v.State, Profession: v.Profession, Candidate: v.CandidateID,
		Consent: v.Consent, CreatedAt: v.CreatedAt, ChangedAt: v.ChangedAt, EndedAt: v.EndedAt,
		RolePlays: make([]ExamRolePlay, len(v.Slots)), Result: result(v),
	}
	if until, waits := v.Waits(); waits {
		out.WaitsUntil = &until
	}
	if next, ok := v.Next(now); ok {
		out.Next = &NextRolePlay{Position: next.Position, Replaces: next.Replaces}
	}
	for i, slot := range v.Slots {
		out.RolePlays[i] = ExamRolePlay{
			Position: i + 1, PrepareSeconds: v.PrepareSeconds[i], PlaySeconds: v.PlaySeconds[i],
			Replaced: slot.Replaced,
		}
		if v.Attempts[i] != nil {
			a := viewAttempt(*v.Attempts[i], u)
			out.RolePlays[i].Attempt = &a
		}
	}
	return out
}

func viewAttempt(v store.AttemptView, u store.User) ExamAttempt {
	a := v.Attempt
	out := ExamAttempt{
		ID: a.ID, State: a.State, Position: a.Exam.Position, ScenarioSlug: v.ScenarioSlug,
		ScenarioTitle: v.ScenarioTitle, PartnerName: v.PartnerName, StartedAt: a.StartedAt,
		EndedAt: a.EndedAt, Problem: a.Problem,
	}
	if u.ID == a.CandidateID && a.Sealed() {
		out.ScenarioSlug, out.ScenarioTitle = "", ""
	}
	return out
}

// result returns the result of an exam that is reported; nil without one.
func result(v store.ExamView) *ExamResult {
	if v.State != store.ExamReported {
		return nil
	}
	r := &ExamResult{Parts: []ExamPart{}}
	var parts []store.ExamPart
	for i, p := range v.Parts {
		if p == nil {
			continue
		}
		parts = append(parts, *p)
		r.Parts = append(r.Parts, ExamPart{Position: i + 1, ExamPart: *p})
		r.PlayS += p.PlayS
	}
	if len(parts) == 0 {
		return nil
	}
	r.Pooled, r.PooledTurns = store.Pool(parts), store.PoolTurns(parts)
	if a, b := v.Slots[0].Attempt, v.Slots[1].Attempt; a != nil && b != nil && a.EndedAt != nil &&
		b.PreparedAt != nil && b.PreparedAt.After(*a.EndedAt) {
		s := b.PreparedAt.Sub(*a.EndedAt).Seconds()
		r.BreakS = &s
	}
	return r
}
