package part

import (
	"encoding/json"
	"fmt"
	"math"
)

// Told tells an actor what happened in its room. The numbers rise by one from 1 on in a
// generation: the actor answers one that it has seen and does nothing.
type Told struct {
	Generation int
	Number     int
	Notice     Notice
}

// Notice is what a Told tells: one of the types below.
type Notice interface{ Message }

// Clock is the play's clock. The first one of an attempt comes with the start of the play. It
// stands while somebody is away, and while the candidate has paused the play.
type Clock struct {
	At        int64 `json:"at"`
	StartedAt int64 `json:"started_at"` // the start of the attempt's time line
	Played    int64 `json:"played"`     // how much of the play has passed at that time
	Running   bool  `json:"running"`
}

// Played says what the candidate could hear of a line.
type Played struct {
	Line string `json:"line"`
	From int64  `json:"from"`
	To   int64  `json:"to"` // equal to From when nothing of it was played
	Cut  bool   `json:"cut,omitempty"`
}

// Typed is a turn that the candidate has typed.
type Typed struct {
	Text string `json:"text"`
	At   int64  `json:"at"`
}

// Talk says that the candidate holds the button to talk, or has released it. While the candidate
// uses it, it alone decides when a turn is over.
type Talk struct {
	On bool  `json:"on"`
	At int64 `json:"at"`
}

// Heard is what the browser's own recogniser has heard.
type Heard struct {
	Words []Word `json:"words"`
	Final bool   `json:"final"`
}

// Word is a word that was heard.
type Word struct {
	Text       string  `json:"text"`
	From       int64   `json:"from"`
	To         int64   `json:"to"`
	Confidence float64 `json:"confidence"`
}

// Control is what the candidate wants of the patient. Only a practice has controls.
type Control struct {
	Action Action `json:"action"`
	At     int64  `json:"at"`
}

// Action is what a Control wants.
type Action string

// The actions.
const (
	Pause   Action = "pause"
	Resume  Action = "resume"
	Again   Action = "again"   // say the last line once more
	Hint    Action = "hint"    // what could be asked next
	Restart Action = "restart" // the conversation begins anew
)

// Ended says that the attempt needs no actor any more.
type Ended struct {
	Reason string `json:"reason"`
}

func (Told) kind() string    { return "told" }
func (Clock) kind() string   { return "clock" }
func (Played) kind() string  { return "played" }
func (Typed) kind() string   { return "typed" }
func (Talk) kind() string    { return "talk" }
func (Heard) kind() string   { return "heard" }
func (Control) kind() string { return "control" }
func (Ended) kind() string   { return "ended" }

func (t Told) valid() bool {
	return number(t.Generation) && number(t.Number) && t.Notice != nil && t.Notice.valid()
}

func (c Clock) valid() bool { return moment(c.At) && moment(c.StartedAt) && moment(c.Played) }

func (p Played) valid() bool {
	return text(p.Line, maxName) && moment(p.From) && moment(p.To) && p.From <= p.To
}

func (t Typed) valid() bool { return text(t.Text, MaxTyped) && moment(t.At) }
func (t Talk) valid() bool  { return moment(t.At) }

func (h Heard) valid() bool {
	for _, w := range h.Words {
		if !text(w.Text, maxName) || !moment(w.From) || !moment(w.To) ||
			math.IsNaN(w.Confidence) || w.Confidence < 0 || w.Confidence > 1 {
			return false
		}
	}
	return len(h.Words) <= MaxWords
}

func (c Control) valid() bool {
	switch c.Action {
	case Pause, Resume, Again, Hint, Restart:
		return moment(c.At)
	}
	return false
}

func (e Ended) valid() bool { return text(e.Reason, maxName) }

// told is the JSON form of a Told.
type told struct {
	Generation int             `json:"generation"`
	Number     int             `json:"number"`
	Type       string          `json:"type"`
	Data       json.RawMessage `json:"data"`
}

// MarshalJSON implements json.Marshaler.
func (t Told) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(t.Notice)
	if err != nil {
		return nil, err
	}
	return json.Marshal(told{t.Generation, t.Number, t.Notice.kind(), data})
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Told) UnmarshalJSON(data []byte) (err error) {
	var j told
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	t.Generation, t.Number = j.Generation, j.Number
	switch j.Type {
	case Clock{}.kind():
		t.Notice, err = parse[Clock](j.Data)
	case Played{}.kind():
		t.Notice, err = parse[Played](j.Data)
	case Typed{}.kind():
		t.Notice, err = parse[Typed](j.Data)
	case Talk{}.kind():
		t.Notice, err = parse[Talk](j.Data)
	case Heard{}.kind():
		t.Notice, err = parse[Heard](j.Data)
	case Control{}.kind():
		t.Notice, err = parse[Control](j.Data)
	case Ended{}.kind():
		t.Notice, err = parse[Ended](j.Data)
	default:
		err = fmt.Errorf("%w: notice of type %.40q", ErrMalformed, j.Type)
	}
	return err
}
