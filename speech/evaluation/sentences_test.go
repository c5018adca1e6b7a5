package evaluation

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bedside/speech/patient"
	"bedside/store"
	"bedside/store/scenario"

	"go.yaml.in/yaml/v4"
)

// fitted lists the scenarios on whose paraphrases weights and thresholds were fitted. Nothing is
// judged on them.
func fitted() []string {
	return []string{
		"dentistry-abscess-and-antibiotics", "medicine-chest-pain-going-home",
		"nursing-fever-before-a-wedding", "nursing-leg-ulcer-bandages",
		"physiotherapy-knee-after-fall", "podiatry-first-steps-hurt",
	}
}

// sentence is something that a candidate may say, and the intent behind it.
type sentence struct{ text, intent string }

// subject is a scenario with paraphrases.
type subject struct {
	slug        string
	scenario    store.Scenario
	paraphrases []sentence
}

func (s subject) fitted() bool { return slices.Contains(fitted(), s.slug) }

// subjects returns the scenarios that have a dialogue and paraphrases, and the slugs of those with
// a dialogue only.
func subjects(t *testing.T) (list []subject, without []string) {
	t.Helper()
	all, err := scenario.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if len(s.Dialogue) == 0 {
			continue
		}
		data, err := os.ReadFile(filepath.Join("..", "patient", "testdata", "paraphrases",
			s.Slug+".yaml"))
		if err != nil {
			without = append(without, s.Slug)
			continue
		}
		var intents map[string][]string
		if err := yaml.Unmarshal(data, &intents); err != nil {
			t.Fatalf("%s: %v", s.Slug, err)
		}
		list = append(list, subject{s.Slug, s, flatten(intents)})
	}
	return list, without
}

// flatten returns the paraphrases by turns: one of each intent, then the next.
func flatten(intents map[string][]string) (list []sentence) {
	var names []string
	longest := 0
	for name, texts := range intents {
		names, longest = append(names, name), max(longest, len(texts))
	}
	slices.Sort(names)
	for i := range longest {
		for _, name := range names {
			if i < len(intents[name]) {
				list = append(list, sentence{intents[name][i], name})
			}
		}
	}
	return list
}

func (s subject) dialogue(t *testing.T, phones func(string) []string) *patient.Dialogue {
	t.Helper()
	d, err := patient.New(s.scenario, phones)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// offTopic returns sentences that have no place in any scenario.
func offTopic(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/offtopic.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}
