// Package view says how scenarios look in responses. The slices of scenarios, attempts and other
// practice share it, so that a scenario looks the same wherever it is shown, and so that one place
// decides what a candidate may see of it.
package view

import (
	"time"

	"bedside/store"
)

// ScenarioSummary is a scenario in a list. It contains nothing that candidates may not see.
type ScenarioSummary struct {
	ID             string   `json:"id" format:"uuid"`
	Slug           string   `json:"slug" example:"nursing-insulin-at-home"`
	Title          string   `json:"title" example:"Starting insulin at home"`
	Profession     string   `json:"profession" example:"nursing"`
	Summary        string   `json:"summary"`
	Difficulty     int      `json:"difficulty" minimum:"1" maximum:"3" doc:"1 (easy) to 3 (hard)"`
	Setting        string   `json:"setting" example:"hospital" doc:"where the consultation takes place"`
	ClinicalFocus  string   `json:"clinical_focus" example:"diabetes"`
	Criteria       []string `json:"criteria" doc:"the criteria of the test that it trains" example:"[\"relationship\"]"`
	Tags           []string `json:"tags" example:"[\"discharge\"]"`
	Picture        *Picture `json:"picture,omitempty" doc:"absent when there is none"`
	PrepareSeconds int      `json:"prepare_seconds" example:"180"`
	PlaySeconds    int      `json:"play_seconds" example:"300"`
	Version        int      `json:"version" minimum:"1" doc:"of the text"`
	HasDialogue    bool     `json:"has_dialogue" doc:"an automatic patient can play it"`

	Library    *Library `json:"library,omitempty" doc:"only for tutors and administrators"`
	Tried      *int     `json:"tried,omitempty" doc:"role plays of it that you have played; absent without an access token"`
	Bookmarked *bool    `json:"bookmarked,omitempty" doc:"whether you have bookmarked it; absent without an access token"`
}

// Library is what tutors and administrators see of a scenario besides.
type Library struct {
	State     store.ScenarioState `json:"state" enum:"draft,published,archived"`
	Latest    int                 `json:"latest_version" minimum:"1" doc:"of which drafts may be newer than what candidates get"`
	Published int                 `json:"published_version,omitempty" doc:"what candidates get; absent when none was published"`
	BuiltIn   bool                `json:"built_in" doc:"came with the program"`
	Edited    bool                `json:"edited" doc:"somebody changed it, so that newer texts of the program do not replace it"`
	CreatedAt time.Time           `json:"created_at"`
	UpdatedAt time.Time           `json:"updated_at"`
}

// LibraryOf returns what tutors and administrators see of an entry.
func LibraryOf(e store.ScenarioEntry) *Library {
	return &Library{
		State: e.State, Latest: e.Version, Published: e.Published, BuiltIn: e.BuiltIn,
		Edited: e.Edited, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
}

// Picture is a scenario's picture.
type Picture struct {
	ID  string `json:"id" format:"uuid" doc:"of the medium"`
	Alt string `json:"alt" doc:"what the picture shows" example:"A pre-filled insulin pen on a kitchen table"`
	URL string `json:"url" format:"uri-reference" example:"/api/media/0190d2a0-0000-5000-8000-000000000001"`
}

// Scenario is a complete scenario. It has the interlocutor's card only for users who may see it.
type Scenario struct {
	ScenarioSummary
	Candidate CandidateCard           `json:"candidate_card"`
	Patient   *store.InterlocutorCard `json:"interlocutor_card,omitempty" doc:"only for tutors and administrators, and for the candidate after the report"`
}

// CandidateCard is the card as the candidate reads it.
type CandidateCard struct {
	Setting    string   `json:"setting" example:"Medical ward, morning of discharge"`
	Role       string   `json:"role" example:"You are the nurse who prepares the patient to go home."`
	Background string   `json:"background"`
	Tasks      []string `json:"tasks"`
}

// Of returns a scenario with or without the interlocutor's card.
func Of(s store.Scenario, withPatient bool) Scenario {
	v := Scenario{ScenarioSummary: SummaryOf(s), Candidate: CandidateCard{
		Setting: s.Candidate.Setting, Role: s.Candidate.Role,
		Background: s.Candidate.Background, Tasks: s.Candidate.TaskTexts(),
	}}
	if withPatient {
		card := s.Patient
		// not nil, so that the JSON is never null
		card.Conditional = append([]store.ConditionalLine{}, card.Conditional...)
		v.Patient = &card
	}
	return v
}

// SummaryOf returns the summary of a text.
func SummaryOf(s store.Scenario) ScenarioSummary {
	return ScenarioSummary{
		ID: s.ID, Slug: s.Slug, Title: s.Title, Profession: s.Profession, Summary: s.Summary,
		Difficulty: s.Difficulty, Setting: s.Setting, ClinicalFocus: s.ClinicalFocus,
		Criteria: list(s.Criteria), Tags: list(s.Tags),
		Picture:        pictureOf(s.Slug, s.Picture),
		PrepareSeconds: s.PrepareSeconds, PlaySeconds: s.PlaySeconds, Version: s.Version,
		HasDialogue: s.HasDialogue(),
	}
}

// Summary returns a scenario of a list, with the version whose texts it has.
func Summary(s store.ScenarioSummary) ScenarioSummary {
	version := s.Published
	if version == 0 {
		version = s.Version
	}
	return ScenarioSummary{
		ID: s.ID, Slug: s.Slug, Title: s.Title, Profession: s.Profession, Summary: s.Summary,
		Difficulty: s.Difficulty, Setting: s.Setting, ClinicalFocus: s.ClinicalFocus,
		Criteria: list(s.Criteria), Tags: list(s.Tags),
		Picture:        pictureOf(s.Slug, s.Picture),
		PrepareSeconds: s.PrepareSeconds, PlaySeconds: s.PlaySeconds, Version: version,
		HasDialogue: s.HasDialogue,
	}
}

// pictureOf returns where a picture is. Scenarios of the program have pictures of the program.
func pictureOf(slug string, p *store.ScenarioPicture) *Picture {
	switch {
	case p == nil:
		return nil
	case p.Media != "":
		return &Picture{ID: p.Media, Alt: p.Alt, URL: store.MediaPath(p.Media)}
	}
	id := store.BuiltInPicture(slug)
	return &Picture{ID: id, Alt: p.Alt, URL: store.MediaPath(id)}
}

// list returns a list that is not nil, so that the JSON is never null.
func list(values []string) []string { return append([]string{}, values...) }
