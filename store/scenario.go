package store

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ScenarioSchema is the version of the scenario document, the value of its key `schema`.
const ScenarioSchema = "scenario/1"

// Scenario is an authored role play: who the candidate and the patient are, what the candidate
// has to do, and how long it lasts. Tutors write it as YAML or in a form; the API and the database
// have the same document as JSON.
//
// The tags of its fields are the only description of the document. Validate, the published JSON
// Schema and what `bedside scenario lint` checks all follow from them; Rule explains the tags.
type Scenario struct {
	ID string `json:"-"` // of the database; no part of the document
	// Version is the version of the text in the database, from one on; no part of the document.
	Version int `json:"-"`

	Schema         string           `json:"schema" of:"scenario/1" doc:"The version of this format."`
	Slug           string           `json:"slug" match:"slug" chars:"1..80" doc:"The name in addresses."`
	Title          string           `json:"title" chars:"1..120" doc:"What lists show."`
	Profession     string           `json:"profession" of:"professions" doc:"Whose role play this is."`
	Summary        string           `json:"summary" chars:"1..400" doc:"One or two sentences for the catalogue. It gives away nothing that the patient hides."`
	Difficulty     int              `json:"difficulty" range:"1..3" doc:"1 (easy) to 3 (hard)."`
	Setting        string           `json:"setting" of:"settings" doc:"Where the consultation takes place."`
	ClinicalFocus  string           `json:"clinical_focus" match:"slug" chars:"1..40" doc:"The clinical subject, in a word or two joined by hyphens."`
	Criteria       []string         `json:"criteria" of:"criteria" items:"1..4" unique:"true" doc:"The criteria that this role play trains most."`
	Indicators     []string         `json:"indicators" of:"indicators" items:"1..8" unique:"true" doc:"The indicators that it trains; each belongs to one of the criteria."`
	Tags           []string         `json:"tags,omitempty" match:"slug" chars:"1..40" items:"0..8" unique:"true" doc:"Words to find it by."`
	Picture        *ScenarioPicture `json:"picture,omitempty" doc:"The picture in the catalogue."`
	PrepareSeconds int              `json:"prepare_seconds" range:"0..900" doc:"Time to read the card; 180 in the test."`
	PlaySeconds    int              `json:"play_seconds" range:"10..1800" doc:"Time of the consultation; 300 in the test."`
	Candidate      CandidateCard    `json:"candidate_card" doc:"The card that the candidate reads."`
	Patient        InterlocutorCard `json:"interlocutor_card" doc:"The card of the person who plays the patient."`
	Strong         []string         `json:"strong,omitempty" chars:"1..600" items:"0..8" doc:"What a strong candidate does, in four to eight sentences."`
	Model          []ModelTurn      `json:"model,omitempty" items:"0..60" doc:"A model performance of 20 to 60 turns. The candidate speaks first."`
	// Dialogue is for the automatic patient. It is an object whose keys are not checked here.
	Dialogue json.RawMessage `json:"dialogue,omitempty" bytes:"262144" doc:"What the automatic patient understands and answers. An open object."`
}

// ScenarioPicture is a scenario's picture. The scenarios that are part of the program have no
// Media: their pictures are part of it too.
type ScenarioPicture struct {
	Media string `json:"media,omitempty" match:"uuid" doc:"The id of an uploaded picture."`
	Alt   string `json:"alt" chars:"1..200" doc:"What the picture shows, for those who cannot see it."`
}

// CandidateCard is the card that the candidate reads.
type CandidateCard struct {
	Setting    string `json:"setting" chars:"1..200" doc:"Where and when, as the card says it."`
	Role       string `json:"role" chars:"1..200" doc:"Who the candidate is."`
	Background string `json:"background" chars:"1..2000" doc:"What the candidate knows."`
	Tasks      []Task `json:"tasks" items:"3..6" doc:"What the candidate has to do."`
}

// TaskTexts returns the tasks as the candidate reads them.
func (c CandidateCard) TaskTexts() []string {
	texts := make([]string, len(c.Tasks))
	for i, t := range c.Tasks {
		texts[i] = t.Text
	}
	return texts
}

// Task is one thing that the candidate has to do. A task that is only a text is a plain string in
// JSON and YAML.
type Task struct {
	ID        string   `json:"id,omitempty" match:"name" chars:"1..40" doc:"What the dialogue calls the task."`
	Text      string   `json:"text" chars:"1..600" doc:"The task as the candidate reads it."`
	CoveredBy []string `json:"covered_by,omitempty" match:"reference" chars:"1..80" items:"0..16" unique:"true" doc:"Facts and intents of the dialogue that show that the task was done."`
}

// Tasks returns tasks that have texts only.
func Tasks(texts ...string) []Task {
	tasks := make([]Task, len(texts))
	for i, t := range texts {
		tasks[i].Text = t
	}
	return tasks
}

// MarshalJSON writes a task that is only a text as a string.
func (t Task) MarshalJSON() ([]byte, error) {
	if t.ID == "" && len(t.CoveredBy) == 0 {
		return json.Marshal(t.Text)
	}
	type plain Task // without this method
	return json.Marshal(plain(t))
}

// UnmarshalJSON reads a task from a string or an object.
func (t *Task) UnmarshalJSON(b []byte) error {
	*t = Task{}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &t.Text)
	}
	type plain Task // without this method
	return json.Unmarshal(b, (*plain)(t))
}

// UnmarshalText reads a task that is only a text, for YAML.
func (t *Task) UnmarshalText(b []byte) error {
	*t = Task{Text: string(b)}
	return nil
}

// InterlocutorCard is the card of the person who plays the patient. The candidate does not see it
// before the report.
type InterlocutorCard struct {
	Name        string            `json:"name" chars:"1..120" doc:"Name and age of the patient, or of who comes instead."`
	Setting     string            `json:"setting" chars:"1..200" doc:"Where and when."`
	Background  string            `json:"background" chars:"1..4000" doc:"What the patient knows, thinks and fears."`
	Mood        string            `json:"mood" chars:"1..400" doc:"How the patient speaks, and what changes that."`
	Lines       []string          `json:"lines" chars:"1..600" items:"1..12" doc:"Lines to be said in any case."`
	Conditional []ConditionalLine `json:"conditional" items:"0..24" optional:"true" doc:"Lines for when the candidate does something."`
	Hidden      []HiddenFact      `json:"hidden,omitempty" items:"0..8" doc:"What the patient tells only a candidate who earns it."`
	Cues        []Cue             `json:"cues,omitempty" items:"0..6" doc:"Hints that a good candidate follows."`
	// Softening is how the patient relents near the end, if the candidate has earned it.
	Softening string `json:"softening" chars:"1..600" doc:"How the patient relents near the end, if the candidate has earned it."`
}

// ConditionalLine is a line for when the candidate does what When describes.
type ConditionalLine struct {
	When string `json:"when" chars:"1..300" doc:"What the candidate does."`
	Say  string `json:"say" chars:"1..600" doc:"What the patient answers."`
}

// HiddenFact is what the patient keeps back until the candidate earns it.
type HiddenFact struct {
	Fact   string `json:"fact" chars:"1..600" doc:"What the patient keeps back."`
	Reveal string `json:"reveal" chars:"1..300" doc:"What earns it."`
}

// Cue is a hint of the patient's at something that matters. The patient never explains it.
type Cue struct {
	Say    string `json:"say" chars:"1..600" doc:"The hint, as the patient says it."`
	Means  string `json:"means" chars:"1..600" doc:"What lies behind it."`
	Follow string `json:"follow" chars:"1..600" doc:"What a good candidate answers."`
}

// ModelTurn is a turn of the model performance.
type ModelTurn struct {
	Who   string   `json:"who" of:"candidate|patient" doc:"Who speaks."`
	Say   string   `json:"say" chars:"1..1200" doc:"What is said."`
	Shows []string `json:"shows,omitempty" of:"indicators" items:"0..8" unique:"true" doc:"The indicators that the turn is an example of."`
}

// HasDialogue reports whether an automatic patient can play the scenario.
func (s Scenario) HasDialogue() bool {
	return len(s.Dialogue) > 0 && string(s.Dialogue) != "null"
}

// ParseScenario reads a scenario document in JSON. It returns ErrInvalid, joined with every
// reason, when the document does not conform to the format: when it has a key that the format has
// not, for example.
func ParseScenario(data []byte) (s Scenario, err error) {
	if err := checkScenario(data); err != nil {
		return s, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return s, json.Unmarshal(data, &s)
}

// Validate returns ErrInvalid, joined with every reason why the scenario does not conform to the
// format. It does not demand what a good scenario needs besides, such as a model performance; that
// is for package store/scenario to say.
func (s Scenario) Validate() error {
	b, err := json.Marshal(s)
	if err == nil {
		err = checkScenario(b)
	}
	if err != nil {
		return fmt.Errorf("scenario %q: %w: %w", s.Slug, ErrInvalid, err)
	}
	return nil
}

// checkScenario returns every reason why a document in JSON does not conform to the format.
func checkScenario(data []byte) error {
	var document any
	if err := json.Unmarshal(data, &document); err != nil {
		return err
	}
	var errs []error
	for _, v := range ScenarioRule().Check(document) {
		errs = append(errs, errors.New(v.Message))
	}
	return errors.Join(errs...)
}
