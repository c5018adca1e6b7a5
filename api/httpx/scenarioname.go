package httpx

import "bedside/store"

// ScenarioName is what a list says about a scenario of which it counts something.
type ScenarioName struct {
	ID         string `json:"id" format:"uuid"`
	Slug       string `json:"slug" example:"nursing-insulin-at-home"`
	Title      string `json:"title" example:"Starting insulin at home"`
	Profession string `json:"profession" example:"nursing"`
	Difficulty int    `json:"difficulty" minimum:"1" maximum:"3"`
}

// NameScenario returns the ScenarioName of a scenario.
func NameScenario(s store.Scenario) ScenarioName {
	return ScenarioName{
		ID: s.ID, Slug: s.Slug, Title: s.Title, Profession: s.Profession, Difficulty: s.Difficulty,
	}
}
