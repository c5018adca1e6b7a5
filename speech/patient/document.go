package patient

import (
	"bytes"
	"encoding/json"
	"fmt"

	"bedside/store"
)

// Act is what an utterance of the candidate does in the conversation. Turn-taking depends on it: a
// complete question is answered sooner than a statement, which may go on.
type Act string

// The acts.
const (
	OpenQuestion   Act = "open_question"
	ClosedQuestion Act = "closed_question"
	Explain        Act = "explain"
	Reassure       Act = "reassure"
	Advise         Act = "advise"
	Check          Act = "check" // whether something was understood
	Summarise      Act = "summarise"
	Social         Act = "social" // greeting, thanks, empathy, signposts
)

// Acts returns every act.
func Acts() []Act {
	return []Act{OpenQuestion, ClosedQuestion, Explain, Reassure, Advise, Check, Summarise, Social}
}

// Asks reports whether the act expects an answer.
func (a Act) Asks() bool { return a == OpenQuestion || a == ClosedQuestion || a == Check }

// Document is the dialogue of a scenario, as authors write it.
type Document struct {
	Patient Persona                   `json:"patient"`
	State   map[string]Gauge          `json:"state"`
	Use     []string                  `json:"use"` // shared moves
	Effects map[string]map[string]int `json:"effects"`
	Intents []Intent                  `json:"intents"`
	Facts   []Fact                    `json:"facts"`
	Cues    []Cue                     `json:"cues"`
	Beats   []Beat                    `json:"beats"`
	Repair  []string                  `json:"repair"`
	Silence []Silence                 `json:"silence"`
	Close   Close                     `json:"close"`
	Say     map[string]string         `json:"say"` // pronunciations in ARPABET

	Recordings []Recording `json:"recordings"`
}

// Recording is a line that a person recorded, so that no voice has to render it.
type Recording struct {
	Say     string  `json:"say"`               // the text of the line
	Emotion Emotion `json:"emotion,omitempty"` // empty: for every emotion that has no other
	Media   string  `json:"media"`             // the id of the uploaded line
}

// Persona is who speaks.
type Persona struct {
	Name     string `json:"name"`
	Relation string `json:"relation"` // self, or who the speaker is to the patient
	Voice    Voice  `json:"voice"`
}

// Voice is what a synthesiser needs to know.
type Voice struct {
	Sex  string  `json:"sex"` // female or male
	Age  int     `json:"age"`
	Rate float64 `json:"rate"` // 1 is the voice's own

	Language string `json:"language,omitempty"` // as in pl or pt-br; empty: en
}

// Gauge is a feeling of the patient, from 0 to 100.
type Gauge struct {
	Start     int  `json:"start"`
	RelaxesTo *int `json:"relaxes_to,omitempty"` // it falls no lower by effects
}

// Intent is something that the candidate may say, described by examples.
type Intent struct {
	ID       string   `json:"id"`
	Act      Act      `json:"act"`
	Examples []string `json:"examples"`
	Say      []string `json:"say,omitempty"`      // answers, when no beat and no fact has one
	Confirm  string   `json:"confirm,omitempty"`  // what the patient asks when not sure: "Do you mean my tablets?"
	Evidence []string `json:"evidence,omitempty"` // indicators, A1 to E5
	shared   bool     // one of the shared moves
}

// Fact is something that the patient knows and tells when asked: at once (layer 1), or when it is
// earned (layers 2 and 3).
type Fact struct {
	ID      string   `json:"id"`
	Layer   int      `json:"layer"`
	On      []string `json:"on"`   // intents that ask for it
	Need    string   `json:"need"` // a condition
	Say     string   `json:"say"`
	Else    string   `json:"else"` // what the patient says while Need does not hold
	Emotion string   `json:"emotion"`
}

// Cue is a hint that the patient drops once, by itself.
type Cue struct {
	ID     string  `json:"id"`
	AfterS float64 `json:"after_s"` // of the play
	Unless string  `json:"unless"`  // a condition under which it is not needed any more
	Say    string  `json:"say"`
	Opens  string  `json:"opens"` // the intent that follows it up
}

// Beat is what the patient says once, when the candidate does something under some condition.
type Beat struct {
	On      string         `json:"on"`
	If      string         `json:"if"`
	Say     string         `json:"say"`
	Effects map[string]int `json:"effects"`
}

// Silence is what the patient says when nobody has spoken for a while.
type Silence struct {
	AfterS float64 `json:"after_s"`
	Say    string  `json:"say"`
}

// Close is how the patient ends the conversation.
type Close struct {
	AtS float64 `json:"at_s"`
	Say string  `json:"say"`
}

// parse decodes a dialogue. Unknown keys are errors, so that a misspelt one is not ignored.
func parse(raw json.RawMessage) (Document, error) {
	var d Document
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return d, fmt.Errorf("dialogue: %w: %w", store.ErrInvalid, err)
	}
	return d, nil
}
