package store

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func scenario() Scenario {
	return Scenario{
		Schema: ScenarioSchema, Slug: "a-slug-1", Title: "T", Profession: "nursing", Summary: "S",
		Difficulty: 1, Setting: "hospital", ClinicalFocus: "diabetes",
		Criteria: []string{"giving"}, Indicators: []string{"E1"}, PrepareSeconds: 180,
		PlaySeconds: 300,
		Candidate: CandidateCard{
			Setting: "S", Role: "R", Background: "B", Tasks: Tasks("1", "2", "3"),
		},
		Patient: InterlocutorCard{
			Name: "N", Setting: "S", Background: "B", Mood: "M", Lines: []string{"L"},
			Softening: "S",
		},
	}
}

func TestScenarioValidate(t *testing.T) {
	if err := scenario().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Scenario){
		"slug":            func(s *Scenario) { s.Slug = "A slug" },
		"no slug":         func(s *Scenario) { s.Slug = "" },
		"long slug":       func(s *Scenario) { s.Slug = strings.Repeat("a", 81) },
		"title":           func(s *Scenario) { s.Title = " " },
		"profession":      func(s *Scenario) { s.Profession = "magic" },
		"difficulty":      func(s *Scenario) { s.Difficulty = 4 },
		"prepare":         func(s *Scenario) { s.PrepareSeconds = -1 },
		"play":            func(s *Scenario) { s.PlaySeconds = 0 },
		"few tasks":       func(s *Scenario) { s.Candidate.Tasks = s.Candidate.Tasks[:2] },
		"empty task":      func(s *Scenario) { s.Candidate.Tasks[1].Text = "" },
		"long background": func(s *Scenario) { s.Patient.Background = strings.Repeat("b", 4001) },
		"no lines":        func(s *Scenario) { s.Patient.Lines = nil },
		"half a condition": func(s *Scenario) {
			s.Patient.Conditional = []ConditionalLine{{When: "asked"}}
		},
	} {
		s := scenario()
		change(&s)
		if err := s.Validate(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAttemptStateTransitions(t *testing.T) {
	now := time.Now()
	steps := map[string]func(*Attempt) error{
		"prepare": func(a *Attempt) error { return a.Prepare(now) },
		"start":   func(a *Attempt) error { return a.Start(now) },
		"finish":  func(a *Attempt) error { return a.Finish(now) },
		"abandon": func(a *Attempt) error { return a.Abandon(now) },
		"report":  func(a *Attempt) error { return a.Reported(now, time.Time{}) },
		"analyse": func(a *Attempt) error { return a.Reported(now, now) }, // what was played
		"reopen":  func(a *Attempt) error { return a.Reopen(now, false) },
		"fail":    func(a *Attempt) error { return a.Fail(now, "why") },
		"seat":    func(a *Attempt) error { return a.Seat("tutor", false) },
	}
	allowed := map[AttemptState]string{
		AttemptCreated:   "prepare start abandon analyse fail seat",
		AttemptPreparing: "prepare start abandon analyse fail seat",
		AttemptPlaying:   "start finish report analyse fail seat",
		AttemptAnalysing: "finish report analyse fail",
		AttemptReported:  "start finish report analyse reopen",
		AttemptFailed:    "report analyse fail",
		AttemptAbandoned: "abandon fail",
	}
	for state, may := range allowed {
		for name, step := range steps {
			a := Attempt{State: state}
			err := step(&a)
			if want := strings.Contains(" "+may+" ", " "+name+" "); (err == nil) != want {
				t.Errorf("%s when %s: %v", name, state, err)
			}
			if err != nil && (!errors.Is(err, ErrState) || a != (Attempt{State: state})) {
				t.Errorf("%s when %s changed it to %+v: %v", name, state, a, err)
			}
		}
	}
}

func TestSeatIsKeptWhileTutorIsPresent(t *testing.T) {
	a := Attempt{State: AttemptPreparing, PartnerID: "first"}
	if err := a.Seat("second", true); !errors.Is(err, ErrConflict) || a.PartnerID != "first" {
		t.Errorf("seat of a present tutor: %v, %s", err, a.PartnerID)
	}
	if err := a.Seat("first", true); err != nil {
		t.Error(err)
	}
	if err := a.Seat("second", false); err != nil || a.PartnerID != "second" {
		t.Errorf("seat of an absent tutor: %v, %s", err, a.PartnerID)
	}
}
