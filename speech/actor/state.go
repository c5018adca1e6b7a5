package actor

import (
	"strings"

	"bedside/speech/event"
	"bedside/speech/part"
	"bedside/speech/patient"
)

// Gauges that clients show.
const (
	trust   = "trust"
	anxiety = "anxiety"
)

// moodOf returns what the patient feels.
func moodOf(s *patient.State) part.Mood {
	gauge := func(name string) *int {
		if n, ok := s.Gauges[name]; ok {
			n = min(max(n, 0), 100)
			return &n
		}
		return nil
	}
	return part.Mood{
		Emotion: string(s.Emotion()), Trust: gauge(trust), Anxiety: gauge(anxiety),
	}
}

func sameMood(a, b part.Mood) bool {
	same := func(x, y *int) bool {
		return x == nil && y == nil || x != nil && y != nil && *x == *y
	}
	return a.Emotion == b.Emotion && same(a.Trust, b.Trust) && same(a.Anxiety, b.Anxiety)
}

// heardEvent returns the event of a decision that answers the candidate.
func heardEvent(at int64, d patient.Decision) event.Heard {
	e := event.Heard{
		At: at, Outcome: string(d.Outcome), Act: string(d.Act), Understood: d.Intents,
		Evidence: d.Evidence, Against: d.Against,
	}
	for _, m := range d.Matches {
		e.Intents = append(e.Intents, event.Intent{
			ID: m.Intent, Confidence: min(max(m.Confidence, 0), 1),
		})
	}
	return e
}

// covered reports whether what a task refers to, as "fact.told" or "intent.ask_told", was done.
func (p *play) covered(reference string) bool {
	kind, id, _ := strings.Cut(reference, ".")
	switch kind {
	case "fact":
		return p.now.State.Known[id]
	case "intent":
		return p.now.State.Asked[id] > 0
	}
	return false
}

// lastOf returns the end of a text, at most so many bytes.
func lastOf(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[len(text)-n:], "")
}

func join(words []string) string { return strings.Join(words, " ") }
