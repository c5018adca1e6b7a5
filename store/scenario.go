package store

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Scenario is an authored role play: who the candidate and the patient are, what the candidate has
// to do, and how long it lasts.
type Scenario struct {
	ID         string `json:"id" yaml:"-"`
	Slug       string `json:"slug" yaml:"slug"`
	Title      string `json:"title" yaml:"title"`
	Profession string `json:"profession" yaml:"profession"`
	Summary    string `json:"summary" yaml:"summary"`
	// Difficulty is 1 (easy) to 3 (hard).
	Difficulty     int              `json:"difficulty" yaml:"difficulty"`
	PrepareSeconds int              `json:"prepare_seconds" yaml:"prepare_seconds"`
	PlaySeconds    int              `json:"play_seconds" yaml:"play_seconds"`
	Candidate      CandidateCard    `json:"candidate_card" yaml:"candidate_card"`
	Patient        InterlocutorCard `json:"interlocutor_card" yaml:"interlocutor_card"`
}

// CandidateCard is the card that the candidate reads.
type CandidateCard struct {
	Setting    string   `json:"setting" yaml:"setting"`
	Role       string   `json:"role" yaml:"role"`
	Background string   `json:"background" yaml:"background"`
	Tasks      []string `json:"tasks" yaml:"tasks"`
}

// InterlocutorCard is the card of the person who plays the patient. The candidate does not see it
// before the report.
type InterlocutorCard struct {
	Name        string            `json:"name" yaml:"name"`
	Setting     string            `json:"setting" yaml:"setting"`
	Background  string            `json:"background" yaml:"background"`
	Mood        string            `json:"mood" yaml:"mood"`
	Lines       []string          `json:"lines" yaml:"lines"` // to be said in any case
	Conditional []ConditionalLine `json:"conditional" yaml:"conditional"`
	// Softening is how the patient relents near the end, if the candidate has earned it.
	Softening string `json:"softening" yaml:"softening"`
}

// ConditionalLine is a line for when the candidate does what When describes.
type ConditionalLine struct {
	When string `json:"when" yaml:"when"`
	Say  string `json:"say" yaml:"say"`
}

// Validate returns ErrInvalid, joined with every reason why the scenario cannot be played.
func (s Scenario) Validate() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	text := func(name, value string, limit int) {
		need(strings.TrimSpace(value) != "", "%s is empty", name)
		need(len(value) <= limit, "%s is longer than %d bytes", name, limit)
	}
	slug := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	need(len(s.Slug) <= 80 && slug.MatchString(s.Slug),
		"slug %q is not lower-case words joined by hyphens, at most 80 bytes", s.Slug)
	text("title", s.Title, 120)
	text("summary", s.Summary, 400)
	need(slices.Contains(Professions(), s.Profession), "profession %q is not one of the twelve",
		s.Profession)
	need(s.Difficulty >= 1 && s.Difficulty <= 3, "difficulty %d is not between 1 and 3",
		s.Difficulty)
	need(s.PrepareSeconds >= 0 && s.PrepareSeconds <= 900,
		"prepare_seconds %d is not between 0 and 900", s.PrepareSeconds)
	need(s.PlaySeconds >= 10 && s.PlaySeconds <= 1800,
		"play_seconds %d is not between 10 and 1800", s.PlaySeconds)
	text("candidate_card.setting", s.Candidate.Setting, 200)
	text("candidate_card.role", s.Candidate.Role, 200)
	text("candidate_card.background", s.Candidate.Background, 2000)
	need(len(s.Candidate.Tasks) >= 3 && len(s.Candidate.Tasks) <= 6,
		"candidate_card.tasks: %d given, 3 to 6 needed", len(s.Candidate.Tasks))
	for i, t := range s.Candidate.Tasks {
		text(fmt.Sprintf("candidate_card.tasks[%d]", i), t, 600)
	}
	text("interlocutor_card.name", s.Patient.Name, 120)
	text("interlocutor_card.setting", s.Patient.Setting, 200)
	text("interlocutor_card.background", s.Patient.Background, 4000)
	text("interlocutor_card.mood", s.Patient.Mood, 400)
	text("interlocutor_card.softening", s.Patient.Softening, 600)
	need(len(s.Patient.Lines) >= 1 && len(s.Patient.Lines) <= 12,
		"interlocutor_card.lines: %d given, 1 to 12 needed", len(s.Patient.Lines))
	for i, l := range s.Patient.Lines {
		text(fmt.Sprintf("interlocutor_card.lines[%d]", i), l, 600)
	}
	need(len(s.Patient.Conditional) <= 24, "interlocutor_card.conditional: more than 24")
	for i, c := range s.Patient.Conditional {
		text(fmt.Sprintf("interlocutor_card.conditional[%d].when", i), c.When, 300)
		text(fmt.Sprintf("interlocutor_card.conditional[%d].say", i), c.Say, 600)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("scenario %q: %w: %w", s.Slug, ErrInvalid, err)
	}
	return nil
}
