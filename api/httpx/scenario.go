package httpx

import "bedside/store"

// ScenarioSummary is a scenario in a list.
type ScenarioSummary struct {
	ID             string `json:"id" format:"uuid"`
	Slug           string `json:"slug" example:"nursing-insulin-at-home"`
	Title          string `json:"title" example:"Starting insulin at home"`
	Profession     string `json:"profession" example:"nursing"`
	Summary        string `json:"summary"`
	Difficulty     int    `json:"difficulty" minimum:"1" maximum:"3" doc:"1 (easy) to 3 (hard)"`
	PrepareSeconds int    `json:"prepare_seconds" example:"180"`
	PlaySeconds    int    `json:"play_seconds" example:"300"`
}

// Scenario is a complete scenario. It has the interlocutor's card only for users who may see it.
type Scenario struct {
	ScenarioSummary
	Candidate CandidateCard           `json:"candidate_card"`
	Patient   *store.InterlocutorCard `json:"interlocutor_card,omitempty" doc:"only for tutors and administrators, and for the candidate after the report"`
}

// CandidateCard is the card as the candidate reads it.
type CandidateCard struct {
	Setting    string   `json:"setting"`
	Role       string   `json:"role"`
	Background string   `json:"background"`
	Tasks      []string `json:"tasks"`
}

// ViewCandidateCard returns the card as the candidate reads it.
func ViewCandidateCard(c store.CandidateCard) CandidateCard {
	return CandidateCard{
		Setting: c.Setting, Role: c.Role, Background: c.Background, Tasks: c.TaskTexts(),
	}
}

// ViewScenario returns a scenario with or without the interlocutor's card.
func ViewScenario(s store.Scenario, withPatient bool) Scenario {
	v := Scenario{ScenarioSummary: SummariseScenario(s), Candidate: ViewCandidateCard(s.Candidate)}
	if withPatient {
		card := s.Patient
		// not nil, so that the JSON is never null
		card.Conditional = append([]store.ConditionalLine{}, card.Conditional...)
		v.Patient = &card
	}
	return v
}

// SummariseScenario returns the summary of a scenario for a list.
func SummariseScenario(s store.Scenario) ScenarioSummary {
	return ScenarioSummary{
		ID: s.ID, Slug: s.Slug, Title: s.Title, Profession: s.Profession, Summary: s.Summary,
		Difficulty: s.Difficulty, PrepareSeconds: s.PrepareSeconds, PlaySeconds: s.PlaySeconds,
	}
}
