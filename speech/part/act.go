package part

import "encoding/json"

// Act is what an actor wants to happen in the room. The room records the events, keeps the
// snapshot, plays the line and tells the clients. Acts have numbers from 1 on in a generation; the
// room answers one that it has seen and does nothing.
type Act struct {
	Generation int `json:"generation"`
	Number     int `json:"number"`
	// Events are for the attempt's log: a batch as event.Append writes it.
	Events json.RawMessage `json:"events,omitempty"`
	// State is the actor's snapshot after this act, and HeardTo the audio that is in it. Without a
	// State, the last one stays.
	State   json.RawMessage `json:"state,omitempty"`
	HeardTo int64           `json:"heard_to,omitempty"`
	// StopSaying ends the line that is being played, and drops those that wait.
	StopSaying bool `json:"stop_saying,omitempty"`
	// Say is what the patient says next, after the lines before it.
	Say         *Line    `json:"say,omitempty"`
	Doing       Doing    `json:"doing,omitempty"` // empty: unchanged
	Mood        *Mood    `json:"mood,omitempty"`
	Caption     *Caption `json:"caption,omitempty"`
	Hint        string   `json:"hint,omitempty"`
	OfferTyping bool     `json:"offer_typing,omitempty"`
}

// Line is something that the patient says, as it is played: Opus packets of 20 ms, and the level
// of each in -dBov (RFC 6464: 0 is the loudest, 127 is silence).
type Line struct {
	ID      string   `json:"id"`
	Text    string   `json:"text"`
	Emotion string   `json:"emotion,omitempty"`
	Frames  [][]byte `json:"frames"`
	Levels  []byte   `json:"levels"`
	// Aside marks a line that is no turn of its own, as "mm" while the candidate speaks.
	Aside bool `json:"aside,omitempty"`
}

// Doing is what the patient does. That it speaks, the room knows by itself.
type Doing string

// What a patient does.
const (
	Listening Doing = "listening"
	Thinking  Doing = "thinking"
	Paused    Doing = "paused"
)

// Mood is what the patient feels. Gauges are from 0 to 100; one that the scenario lacks is null.
type Mood struct {
	Emotion string `json:"emotion"`
	Trust   *int   `json:"trust,omitempty"`
	Anxiety *int   `json:"anxiety,omitempty"`
}

// Caption is what the candidate says, as the recogniser has heard it so far.
type Caption struct {
	Text  string `json:"text"`
	Final bool   `json:"final"`
}

// Alive says that an actor is there. It is sent twice a second.
type Alive struct {
	Generation int    `json:"generation"`
	Ready      bool   `json:"ready"`      // it listens, and the lines are rendered
	Recogniser string `json:"recogniser"` // what hears
	Why        string `json:"why,omitempty"`
	// Gone says that the actor ends at once, for Why. Another one may be called without waiting.
	Gone bool `json:"gone,omitempty"`
}

// Reply answers an Act, a Confirm or a Told.
type Reply struct {
	// Stale refuses the message: the attempt has another actor by now, or none, and a Confirm came
	// too late.
	Stale bool `json:"stale,omitempty"`
}

func (Act) kind() string   { return "act" }
func (Alive) kind() string { return "alive" }
func (Reply) kind() string { return "reply" }

func (a Act) valid() bool {
	return number(a.Generation) && number(a.Number) && raw(a.Events, MaxEvents) &&
		raw(a.State, MaxState) && moment(a.HeardTo) && (a.Say == nil || a.Say.valid()) &&
		(a.Doing == "" || a.Doing == Listening || a.Doing == Thinking || a.Doing == Paused) &&
		(a.Mood == nil || a.Mood.valid()) && (a.Caption == nil || text(a.Caption.Text, MaxText)) &&
		text(a.Hint, MaxText)
}

func (l Line) valid() bool {
	if !text(l.ID, maxName) || l.ID == "" || !text(l.Text, MaxText) || !text(l.Emotion, maxName) ||
		len(l.Frames) > MaxFrames || len(l.Levels) != len(l.Frames) {
		return false
	}
	for _, f := range l.Frames {
		if len(f) == 0 || len(f) > MaxFrame {
			return false
		}
	}
	for _, level := range l.Levels {
		if level > 127 {
			return false
		}
	}
	return true
}

func (m Mood) valid() bool {
	return text(m.Emotion, maxName) && gauge(m.Trust) && gauge(m.Anxiety)
}

func gauge(n *int) bool { return n == nil || *n >= 0 && *n <= 100 }

func (a Alive) valid() bool {
	return number(a.Generation) && text(a.Recogniser, maxName) && text(a.Why, MaxText)
}

func (Reply) valid() bool { return true }
