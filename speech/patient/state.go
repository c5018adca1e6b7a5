package patient

// State is what a patient knows of the conversation so far. It is plain data: a worker that takes
// over from another goes on with the state that it finds in the attempt's events.
type State struct {
	Gauges  map[string]int  `json:"gauges"`
	Asked   map[string]int  `json:"asked"`   // intents, by how often
	Known   map[string]bool `json:"known"`   // facts that the candidate was told
	Dropped map[string]bool `json:"dropped"` // cues
	Used    map[string]int  `json:"used"`    // lines of lists, beats: by key, how often
	Pending string          `json:"pending"` // the intent that the patient asked to confirm
	Repairs int             `json:"repairs"` // running
	Repair  string          `json:"repair"`  // the last one said
	SpokeAt float64         `json:"spoke_at"`
	Closed  bool            `json:"closed"`
}

// Emotion is how a line is spoken.
type Emotion string

// The emotions. A fact may name others; voices that do not know them speak it as neutral.
const (
	Neutral Emotion = "neutral"
	Anxious Emotion = "anxious"
	Annoyed Emotion = "annoyed"
	Warm    Emotion = "warm"
)

// Emotion returns the patient's present mood.
func (s *State) Emotion() Emotion {
	trust, knowsTrust := s.Gauges["trust"]
	switch {
	case knowsTrust && trust < 20:
		return Annoyed
	case s.Gauges["anxiety"] >= 60:
		return Anxious
	case trust >= 60:
		return Warm
	}
	return Neutral
}

// change adds to gauges, within their bounds.
func (s *State) change(d *Dialogue, effects map[string]int) {
	for name, by := range effects {
		low := 0
		if g := d.doc.State[name]; g.RelaxesTo != nil {
			low = min(*g.RelaxesTo, s.Gauges[name]) // it may start below
		}
		s.Gauges[name] = max(low, min(100, s.Gauges[name]+by))
	}
}
