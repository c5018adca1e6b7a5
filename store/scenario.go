package store

// Scenario is an authored role play.
type Scenario struct {
	ID             string           `json:"id" yaml:"-"`
	Slug           string           `json:"slug" yaml:"slug"`
	Title          string           `json:"title" yaml:"title"`
	Profession     string           `json:"profession" yaml:"profession"`
	Summary        string           `json:"summary" yaml:"summary"`
	Difficulty     int              `json:"difficulty" yaml:"difficulty"` // 1 (gentle) to 3 (demanding)
	PrepareSeconds int              `json:"prepare_seconds" yaml:"prepare_seconds"`
	PlaySeconds    int              `json:"play_seconds" yaml:"play_seconds"`
	Candidate      CandidateCard    `json:"candidate_card" yaml:"candidate_card"`
	Patient        InterlocutorCard `json:"interlocutor_card" yaml:"interlocutor_card"`
}

// CandidateCard is what the candidate reads.
type CandidateCard struct {
	Setting    string   `json:"setting" yaml:"setting"`
	Role       string   `json:"role" yaml:"role"`
	Background string   `json:"background" yaml:"background"`
	Tasks      []string `json:"tasks" yaml:"tasks"`
}

// InterlocutorCard is what whoever plays the patient reads; the candidate never sees it before the report.
type InterlocutorCard struct {
	Name        string            `json:"name" yaml:"name"`
	Setting     string            `json:"setting" yaml:"setting"`
	Background  string            `json:"background" yaml:"background"`
	Mood        string            `json:"mood" yaml:"mood"`
	Lines       []string          `json:"lines" yaml:"lines"` // to be said whatever happens
	Conditional []ConditionalLine `json:"conditional" yaml:"conditional"`
	Softening   string            `json:"softening" yaml:"softening"` // late, once the candidate has earned it
}

// ConditionalLine is said only when the candidate does what When describes.
type ConditionalLine struct {
	When string `json:"when" yaml:"when"`
	Say  string `json:"say" yaml:"say"`
}
