package store

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestTasksAreTextsOrObjects(t *testing.T) {
	const text = `["Ask", {"id": "t2", "text": "Explain", "covered_by": ["fact.x"]}]`
	var tasks []Task
	if err := json.Unmarshal([]byte(text), &tasks); err != nil {
		t.Fatal(err)
	}
	want := []Task{{Text: "Ask"}, {ID: "t2", Text: "Explain", CoveredBy: []string{"fact.x"}}}
	if !reflect.DeepEqual(tasks, want) {
		t.Errorf("%+v", tasks)
	}
	b, err := json.Marshal(tasks)
	if got := strings.NewReplacer(" ", "").Replace(text); err != nil || string(b) != got {
		t.Errorf("%s, %v", b, err)
	}
	if got := (CandidateCard{Tasks: tasks}).TaskTexts(); !reflect.DeepEqual(got,
		[]string{"Ask", "Explain"}) {
		t.Errorf("%q", got)
	}
}

// What the tags of Scenario forbid beyond what TestScenarioValidate tries.
func TestScenarioRule(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Scenario)
		want   string
	}{
		"schema":    {func(s *Scenario) { s.Schema = "scenario/2" }, "one of: scenario/1"},
		"setting":   {func(s *Scenario) { s.Setting = "hospitl" }, "did you mean hospital?"},
		"focus":     {func(s *Scenario) { s.ClinicalFocus = "Type 2" }, "joined by hyphens"},
		"criteria":  {func(s *Scenario) { s.Criteria = nil }, "criteria must be a list"},
		"indicator": {func(s *Scenario) { s.Indicators = []string{"F1"} }, "indicators[0] is"},
		"repeated":  {func(s *Scenario) { s.Tags = []string{"a", "a"} }, `tags[1] repeats "a"`},
		"picture":   {func(s *Scenario) { s.Picture = &ScenarioPicture{} }, "alt is empty"},
		"task name": {func(s *Scenario) { s.Candidate.Tasks[0].ID = "T 1" }, "underscores"},
		"reference": {
			func(s *Scenario) { s.Candidate.Tasks[0].CoveredBy = []string{"x"} },
			"such as fact.",
		},
		"hidden": {func(s *Scenario) { s.Patient.Hidden = make([]HiddenFact, 9) }, "0 to 8"},
		"who": {
			func(s *Scenario) { s.Model = []ModelTurn{{Who: "nurse", Say: "Hi"}} }, "patient",
		},
		"dialogue": {
			func(s *Scenario) { s.Dialogue = json.RawMessage(`[]`) }, "dialogue must have keys",
		},
		"big dialogue": {func(s *Scenario) {
			s.Dialogue = json.RawMessage(`{"a":"` + strings.Repeat("a", 256<<10) + `"}`)
		}, "more than 256 kB"},
	} {
		s := scenario()
		c.change(&s)
		err := s.Validate()
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestLengthsCountCharacters(t *testing.T) {
	s := scenario()
	s.Title = strings.Repeat("ß", 120)
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	s.Title += "ß"
	if s.Validate() == nil {
		t.Error("121 characters are valid")
	}
}

func TestEachIndicatorHasACriterion(t *testing.T) {
	criteria := map[string]bool{}
	for _, c := range Criteria() {
		criteria[c] = true
	}
	for _, i := range Indicators() {
		if !criteria[i.Criterion] {
			t.Errorf("%+v", i)
		}
	}
}

func TestParseScenario(t *testing.T) {
	b, err := json.Marshal(scenario())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseScenario(b)
	if err != nil || !reflect.DeepEqual(s, scenario()) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{
		"", "{}", "[]", "null", strings.Replace(string(b), `"title"`, `"titel"`, 1),
		strings.Replace(string(b), `"slug"`, `"more": 1, "slug"`, 1),
	} {
		if _, err := ParseScenario([]byte(bad)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
