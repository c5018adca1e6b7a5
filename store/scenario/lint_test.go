package scenario

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"bedside/store"
)

// complete returns a scenario without findings.
func complete(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/complete.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCompleteScenarioHasNoFindings(t *testing.T) {
	for _, f := range Lint([]byte(complete(t))) {
		t.Error(f)
	}
}

// TestLint changes the complete scenario and compares the findings, each as line, severity and
// rule. The line is that of the changed text, or of the other text given.
func TestLint(t *testing.T) {
	text := complete(t)
	const turn = "  - {who: patient, say: Turn 20.}\n"
	for name, c := range map[string]struct{ old, new, at, want string }{
		"unknown key":       {"\ntitle:", "\ntitel:", "titel:", "error unknown-key"},
		"unknown key below": {"  mood:", "  moods:", "moods:", "error unknown-key"},
		"text for a number": {"difficulty: 2", "difficulty: hard", "", "error type"},
		"number for a text": {"title: Starting insulin", "title: 7", "", "error type"},
		"out of range":      {"difficulty: 2", "difficulty: 4", "", "error range"},
		"no such setting":   {"setting: clinic", "setting: clnic", "", "error one-of"},
		"too long": {
			"title: Starting", "title: " + strings.Repeat("x", 120), "", "error length",
		},
		"empty": {"title: Starting insulin", "title: ' '", "", "error length"},
		"duplicate key": {"difficulty: 2", "difficulty: 2\ndifficulty: 3", "difficulty: 3",
			"error duplicate-key"},
		"no model performance's form": {"who: patient, say: Turn 20.", "who: nurse, say: Turn 20.",
			"", "error one-of"},
		"indicator": {"indicators: [A4, B2, E4]", "indicators: [A4, B2, D1]", "",
			"error indicator"},
		"short model": {turn, "", "model:", "error model-length"},
		"patient begins": {"candidate, say: Turn 1.", "patient, say: Turn 1.", "",
			"error model-begin"},
		"summary tells": {"no longer enough.",
			"no longer enough. His mother went blind two years after she had begun.",
			"", "error secret"},
		"card tells": {"for nine years.",
			"for nine years; your mother went blind two years after.", "", "error secret"},
		"American": {"A bus driver is", "A bus driver apologizes; the color is", "",
			"warning spelling"},
		"unspeakable": {"I'm not keen on this.", "(sighs) I'm not keen.", "",
			"warning unspeakable"},
		"long line": {"I'm not keen on this.", strings.Repeat("so ", 71), "", "warning too-long"},
		"long sentence": {"I'm not keen on this.", strings.Repeat("so ", 46), "",
			"warning too-long"},
		"task twice":     {"{id: t2,", "{id: t1,", "{id: t1, text: Explore", "error duplicate-id"},
		"unknown fact":   {"fact.mother", "fact.mothr", "", "error unknown-name"},
		"unknown intent": {"intent.tell_how", "intent.tell_who", "", "error unknown-name"},
		"intent of a fact": {"on: [ask_worry, follow_cue]", "on: [ask_worry, folow_cue]", "",
			"error unknown-name"},
		"state of a condition": {`"trust >= 45"`, `"trus >= 45"`, "", "error unknown-name"},
		"fact of a condition":  {"known.needle_fear", "known.needle", "", "error unknown-name"},
		"state of an effect": {"effects: {trust: -8}", "effects: {trst: -8}", "",
			"error unknown-name"},
		"layer":      {"layer: 3\n", "layer: 4\n", "", "error layer"},
		"late close": {"at_s: 290", "at_s: 310", "", "warning late"},
		"anchor":     {"title: Starting insulin", "title: &a Starting", "", "error alias"},
		"tag":        {"title: Starting insulin", "title: !!binary aGk=", "", "error tag"},
	} {
		changed := strings.Replace(text, c.old, c.new, 1)
		if changed == text {
			t.Fatalf("%s: the scenario has no %q", name, c.old)
		}
		at := c.at
		if at == "" {
			at = c.new
		}
		before, _, _ := strings.Cut(changed, at)
		want := fmt.Sprintf("%d %s", 1+strings.Count(before, "\n"), c.want)
		var got []string
		for _, f := range Lint([]byte(changed)) {
			got = append(got, fmt.Sprintf("%d %s %s", f.Line, f.Severity, f.Rule))
			if f.Column < 1 || f.Message == "" {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if !slices.Contains(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestUnreachableFactsAndUncoverableTasks(t *testing.T) {
	text := complete(t)
	for name, c := range map[string]struct{ old, new, want string }{
		"no intent reveals it": {"on: [ask_worry, follow_cue]", "on: []", "needle_fear"},
		"nothing raises trust": {"{trust: 15, anxiety", "{anxiety", "needle_fear"},
		"each needs the other": {`"trust >= 45"`, "known.mother", "needle_fear"},
		"a task by them only":  {`"trust >= 45"`, "known.mother", "candidate_card.tasks[1]"},
		"a task by nothing":    {", covered_by: [intent.tell_how]", "", "candidate_card.tasks[2]"},
	} {
		found := false
		for _, f := range Lint([]byte(strings.Replace(text, c.old, c.new, 1))) {
			found = found || (f.Rule == "unreachable" || f.Rule == "uncoverable") &&
				strings.Contains(f.Message+" "+f.Path, c.want)
		}
		if !found {
			t.Errorf("%s: not found", name)
		}
	}
}

// Names that a dialogue does not define may be those of shared moves.
func TestSharedMovesDefineIntents(t *testing.T) {
	text := strings.Replace(complete(t), "  effects:\n", "  use: [moves/common]\n  effects:\n", 1)
	for name, c := range map[string]struct{ old, new, want string }{
		"a move":     {"on: tell_how", "on: invite_questions", ""},
		"no move":    {"on: tell_how", "on: invite_question", "did you mean invite_questions?"},
		"no such":    {"moves/common", "moves/rare", `no shared moves "moves/rare"`},
		"other file": {"moves/common", "../scenario/moves/common", "no shared moves"},
	} {
		var errs []string
		for _, f := range Lint([]byte(strings.Replace(text, c.old, c.new, 1))) {
			if f.Severity == Error {
				errs = append(errs, f.Message)
			}
		}
		if found := strings.Join(errs, "; "); (found == "") != (c.want == "") ||
			!strings.Contains(found, c.want) {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestScenarioWithoutDialogueHasNoFindings(t *testing.T) {
	text, _, _ := strings.Cut(complete(t), "dialogue:")
	for _, f := range Lint([]byte(text)) {
		t.Error(f)
	}
}

func TestWhatIsMissingIsAWarning(t *testing.T) {
	text, rest, _ := strings.Cut(complete(t), "strong:")
	_, dialogue, _ := strings.Cut(rest, "dialogue:")
	var rules []string
	for _, f := range Lint([]byte(text + "dialogue:" + dialogue)) {
		rules = append(rules, fmt.Sprint(f.Severity, " ", f.Rule, " ", f.Path))
	}
	if want := []string{"warning incomplete strong", "warning incomplete model"}; !slices.Equal(
		rules, want) {
		t.Errorf("%q", rules)
	}
}

func TestSeveralDocuments(t *testing.T) {
	text := complete(t)
	list, err := Parse([]byte(text + "---\n" + strings.Replace(text, "nursing-sam", "other", 1)))
	if err != nil || len(list) != 2 || list[1].Slug != "other" {
		t.Fatalf("%d scenarios, %v", len(list), err)
	}
	found := Lint([]byte(text + "---\n" + text))
	lines := strings.Count(text, "\n")
	if len(found) != 1 || found[0].Rule != "duplicate-slug" || found[0].Line != lines+3 {
		t.Errorf("%+v", found)
	}
}

// What is refused before it is taken apart.
func TestRefusedTexts(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c,
			strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9), ", "))
	}
	for name, c := range map[string]struct{ text, rule string }{
		"bomb":          {bomb, "alias"},
		"empty":         {"", "yaml"},
		"not YAML":      {"title: [", "yaml"},
		"no UTF-8":      {"title: \xff", "encoding"},
		"many values":   {"[" + strings.Repeat("1,", 20_001) + "]", "size"},
		"too many":      {"[" + strings.Repeat("1,", maxMarks) + "]", "size"},
		"deep":          {strings.Repeat("[", 100) + strings.Repeat("]", 100), "size"},
		"large":         {strings.Repeat("a", MaxBytes+1), "size"},
		"documents":     {strings.Repeat("---\na: 1\n", MaxDocuments+1), "size"},
		"keys of keys":  {"{[a]: b}", "key"},
		"not an object": {"7", "type"},
		"nothing":       {"---\n", "type"},
	} {
		var rules []string
		for _, f := range Lint([]byte(c.text)) {
			rules = append(rules, f.Rule)
		}
		if !slices.Contains(rules, c.rule) {
			t.Errorf("%s: %q, want %s", name, rules, c.rule)
		}
		if _, err := Parse([]byte(c.text)); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBritishSpelling(t *testing.T) {
	s := newSpeller()
	for word, want := range map[string]string{
		"color": "colour", "colored": "coloured", "organizing": "organising", "analyze": "analyse",
		"analyzing": "analysing", "centered": "centred", "hospitalization": "hospitalisation",
		"anemia": "anaemia", "favorites": "favourites", "apologized": "apologised",
	} {
		if got := s.british(word); got != want {
			t.Errorf("%s: %q, want %s", word, got, want)
		}
	}
	for _, word := range strings.Fields(`size prize seize capsize horizon citizen dizzy practice
		license program meter literal center-left organ colours favour organised realise check
		tired doctor minor error terror actor exercise advise surprise`) {
		if got := s.british(word); got != "" && word != "center-left" {
			t.Errorf("%s: %q", word, got)
		}
	}
}

// TestLongDialoguesAreNotChecked also shows that nothing is compared with everything else beyond
// the limits of the format.
func TestLongDialoguesAreNotChecked(t *testing.T) {
	var text strings.Builder
	text.WriteString("schema: scenario/1\nsummary: the secret of the patient is long ago now\n" +
		"interlocutor_card:\n  hidden:\n")
	for range 500 {
		text.WriteString("    - fact: the secret of the patient is long ago now\n")
	}
	text.WriteString("dialogue:\n  facts:\n")
	for i := range 500 {
		fmt.Fprintf(&text, "    - {id: f%d, say: yes, need: known.f%d}\n", i, i+1)
	}
	long := false
	for _, f := range Lint([]byte(text.String())) {
		switch f.Rule {
		case "secret", "unreachable", "unknown-name":
			t.Fatalf("compared: %v", f)
		case "size":
			long = long || f.Path == "dialogue.facts"
		}
	}
	if !long {
		t.Error("no finding says that there are too many facts")
	}
}
