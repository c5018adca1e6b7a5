package event

import "math"

// Limits of what an automatic patient records. A speaker's turn has a few dozen words.
const (
	maxWords   = 1000
	maxIntents = 20
	maxName    = 100
)

// Words are what a recogniser has heard in one turn of a speaker.
type Words struct {
	Speaker    string `json:"speaker"`
	Words      []Word `json:"words"`
	Recogniser string `json:"recogniser"`
	// Typed says that the words were typed. They have no times of their own.
	Typed bool `json:"typed,omitempty"`
}

// Word is one word that was heard.
type Word struct {
	Text       string  `json:"text"`
	From       int64   `json:"from"`
	To         int64   `json:"to"`
	Confidence float64 `json:"confidence"` // from 0 to 1
}

// Heard says what the automatic patient made of the Words before it.
type Heard struct {
	At      int64    `json:"at"`
	Outcome string   `json:"outcome"` // a patient.Outcome
	Act     string   `json:"act,omitempty"`
	Intents []Intent `json:"intents,omitzero"` // the likeliest first
	// Understood are the intents that the patient answers.
	Understood []string `json:"understood,omitzero"`
	// Evidence and Against are the indicators that the turn shows, and those that it violates.
	Evidence []string `json:"evidence,omitzero"`
	Against  []string `json:"against,omitzero"`
}

// Intent is what a turn may have meant.
type Intent struct {
	ID         string  `json:"id"`
	Confidence float64 `json:"confidence"`
}

// Fact says that the automatic patient tells a fact of its scenario.
type Fact struct {
	At int64  `json:"at"`
	ID string `json:"id"`
}

// Cue says that the automatic patient drops a hint of its scenario by itself.
type Cue struct {
	At int64  `json:"at"`
	ID string `json:"id"`
}

// Mood is what the automatic patient feels from now on. Gauges are from 0 to 100; one that the
// scenario lacks is nil.
type Mood struct {
	At      int64  `json:"at"`
	Emotion string `json:"emotion"`
	Trust   *int   `json:"trust,omitempty"`
	Anxiety *int   `json:"anxiety,omitempty"`
}

// Recogniser says what hears the candidate from now on, and why this one.
type Recogniser struct {
	At   int64  `json:"at"`
	Name string `json:"name"`
	Why  string `json:"why,omitempty"`
}

func (Words) kind() string      { return "words" }
func (Heard) kind() string      { return "heard" }
func (Fact) kind() string       { return "fact" }
func (Cue) kind() string        { return "cue" }
func (Mood) kind() string       { return "mood" }
func (Recogniser) kind() string { return "recogniser" }

func (e Words) valid() bool {
	for _, w := range e.Words {
		if w.From < 0 || w.To < w.From || len(w.Text) > maxName || !share(w.Confidence) {
			return false
		}
	}
	return e.Speaker != "" && len(e.Words) <= maxWords
}

func (e Heard) valid() bool {
	for _, i := range e.Intents {
		if i.ID == "" || !share(i.Confidence) {
			return false
		}
	}
	return e.At >= 0 && e.Outcome != "" && len(e.Intents) <= maxIntents &&
		len(e.Understood) <= maxIntents && len(e.Evidence) <= maxIntents &&
		len(e.Against) <= maxIntents
}

func (e Fact) valid() bool { return e.At >= 0 && name(e.ID) }
func (e Cue) valid() bool  { return e.At >= 0 && name(e.ID) }

func (e Mood) valid() bool {
	return e.At >= 0 && name(e.Emotion) && gauge(e.Trust) && gauge(e.Anxiety)
}

func (e Recogniser) valid() bool { return e.At >= 0 && name(e.Name) }

func name(s string) bool { return s != "" && len(s) <= maxName }

func gauge(n *int) bool { return n == nil || *n >= 0 && *n <= 100 }

// share reports whether x is from 0 to 1.
func share(x float64) bool { return !math.IsNaN(x) && x >= 0 && x <= 1 }

// parseUnderstood reads one of the events of this file. It returns nil for other types.
func parseUnderstood(one envelope) (Event, error) {
	switch one.Type {
	case Words{}.kind():
		return parse[Words](one.Data)
	case Heard{}.kind():
		return parse[Heard](one.Data)
	case Fact{}.kind():
		return parse[Fact](one.Data)
	case Cue{}.kind():
		return parse[Cue](one.Data)
	case Mood{}.kind():
		return parse[Mood](one.Data)
	case Recogniser{}.kind():
		return parse[Recogniser](one.Data)
	}
	return nil, nil
}
