package scenarios_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"bedside/api"
	"bedside/api/apitest"
	"bedside/api/scenarios"
	"bedside/store"
)

func TestUnderstanding(t *testing.T) {
	s := apitest.NewServer(t, func(c *api.Config, _ *api.Deps) {
		c.RequestTimeout = 10 * time.Minute // the race detector makes learning slow
	})
	tutor := s.NewUser(t, store.RoleTutor)
	const path = "/api/scenarios/understanding"
	whole, err := os.ReadFile("../../store/scenario/content/nursing-insulin-at-home.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := fewExamples(string(whole), 8)
	var got scenarios.Understanding
	tutor.Do(t, "POST", path, text, "Content-Type", "application/yaml").Expect(t, 200).
		Decode(t, &got)
	right, examples := 0, 0
	for _, e := range got.Items {
		right, examples = right+e.Right, examples+e.Examples
		if e.Right+e.Asked+e.Wrong+e.Repaired != e.Examples {
			t.Errorf("%+v", e)
		}
	}
	if len(got.Items) < 12 || right < examples/3 {
		t.Errorf("%d of %d examples of %d intents", right, examples, len(got.Items))
	}
	mute, _, _ := strings.Cut(text, "\ndialogue:")
	for name, text := range map[string]string{
		"no YAML": "a: [", "two scenarios": text + "\n---\n" + text, "mute": mute,
	} {
		a := tutor.Do(t, "POST", path, text, "Content-Type", "application/yaml")
		if a.StatusCode != 422 {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
	s.NewUser(t, store.RoleCandidate).Do(t, "POST", path, "a", "Content-Type", "application/yaml").
		Problem(t, 403, "forbidden")
}

// fewExamples shortens the lists of examples in a scenario: a matcher learns fewer sooner.
func fewExamples(text string, most int) string {
	var kept []string
	left := 0 // of the list's examples; negative outside lists
	for line := range strings.Lines(text) {
		switch item := strings.TrimSpace(line); {
		case item == "examples:":
			left = most
		case !strings.HasPrefix(item, "- ") || strings.HasPrefix(item, "- id:"):
			left = -1
		case left == 0:
			continue
		case left > 0:
			left--
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "")
}
