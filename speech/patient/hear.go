package patient

import (
	"slices"
	"strings"
)

// Outcome is what the patient makes of an utterance.
type Outcome string

// The outcomes. A wrong answer is worse than a question: when two intents are close, or none is
// likely, the patient asks, in role.
const (
	Answer  Outcome = "answer"
	Confirm Outcome = "confirm" // "Do you mean my tablets?"
	Repair  Outcome = "repair"  // "Sorry, I didn't catch that."
)

// helpLine is said after two repairs running.
const helpLine = "Sorry, could you say that another way?"

// Intents of the shared moves that the engine itself needs to know.
const (
	moveYes = "yes"
	moveNo  = "no"
)

// Thresholds are the confidences from which the patient answers, and from which it asks whether
// it has understood. Lead is how much more likely the best intent must be than the next.
type Thresholds struct{ Answer, Confirm, Lead float64 }

// DefaultThresholds returns those that were fitted on other scenarios than they were judged on.
func DefaultThresholds() Thresholds { return Thresholds{Answer: 0.53, Confirm: 0.3, Lead: 0.05} }

// Utterance is what the patient heard in one turn of the candidate.
type Utterance struct {
	From, To float64    // seconds of the play
	Best     [][]string // what may have been said, the most likely first
	// Sure is the mean confidence of the recogniser in the words, from 0 to 1; 0 when it gives
	// none, or the words were typed.
	Sure float64
}

// Decision is what an utterance, or the time, leads to.
type Decision struct {
	Outcome  Outcome  `json:"outcome,omitempty"` // empty when nothing was heard
	Matches  []Match  `json:"matches,omitempty"` // the likeliest intents
	Intents  []string `json:"intents,omitempty"` // what was understood, in order
	Lines    []Line   `json:"lines,omitempty"`   // what to say; may be nothing
	Reveals  []string `json:"reveals,omitempty"` // facts
	Cues     []string `json:"cues,omitempty"`
	Evidence []string `json:"evidence,omitempty"` // indicators that were shown
	Against  []string `json:"against,omitempty"`  // indicators that were violated
	Act      Act      `json:"act,omitempty"`      // of the last intent
	Offer    bool     `json:"offer,omitempty"`    // the page should offer typing and push-to-talk
}

// Hear decides what the patient answers to an utterance, and changes the state accordingly.
func (d *Dialogue) Hear(s *State, u Utterance, t Thresholds) Decision {
	s.SpokeAt = u.To
	parts := compound(u.Best)
	dec := d.understand(s, u, t)
	if len(parts) > 1 {
		first := d.understand(s, Utterance{Best: parts[0], Sure: u.Sure}, t)
		last := d.understand(s, Utterance{Best: parts[1], Sure: u.Sure}, t)
		if d.asks(first) && d.asks(last) && first.Intents[0] != last.Intents[0] {
			// Two questions at once: a patient answers the last one.
			last.Against = []string{"D3"}
			s.Asked[first.Intents[0]]++
			dec = last
		}
	}
	switch dec.Outcome {
	case Answer:
		s.Repairs, s.Pending = 0, ""
		d.answer(s, &dec)
	case Confirm:
		s.Pending = dec.Matches[0].Intent
		dec.Lines = []Line{newLine(d.intents[s.Pending].Confirm, s.Emotion())}
	case Repair:
		d.repair(s, &dec)
	}
	d.addRecordings(dec.Lines)
	return dec
}

// asks reports whether a question was understood.
func (d *Dialogue) asks(dec Decision) bool {
	return dec.Outcome == Answer && d.intents[dec.Intents[0]].Act.Asks()
}

// compound splits each hypothesis at its last "and" or "or", if both halves can be questions.
func compound(best [][]string) [][][]string {
	var first, last [][]string
	for _, words := range best {
		at := -1
		for i := len(words) - 3; i >= 3; i-- {
			if words[i] == "and" || words[i] == "or" {
				at = i
				break
			}
		}
		if at < 0 {
			return nil
		}
		first, last = append(first, words[:at]), append(last, words[at+1:])
	}
	if len(first) == 0 {
		return nil
	}
	return [][][]string{first, last}
}

// understand decides what was meant. It changes nothing.
func (d *Dialogue) understand(s *State, u Utterance, t Thresholds) Decision {
	matches := d.Match(u)
	dec := Decision{Outcome: Repair, Matches: matches[:min(3, len(matches))]}
	if len(matches) == 0 {
		return dec
	}
	top := matches[0]
	if s.Pending != "" && top.Confidence >= t.Confirm {
		switch top.Intent {
		case moveYes:
			return d.understood(dec, s.Pending)
		case moveNo:
			return dec
		}
	}
	lead := top.Confidence
	if len(matches) > 1 {
		lead -= matches[1].Confidence
	}
	switch {
	case top.Confidence >= t.Answer && lead >= t.Lead:
		return d.understood(dec, top.Intent)
	case top.Confidence >= t.Confirm && d.intents[top.Intent].Confirm != "" &&
		s.Pending != top.Intent:
		dec.Outcome = Confirm
	}
	return dec
}

func (d *Dialogue) understood(dec Decision, intent string) Decision {
	dec.Outcome, dec.Intents = Answer, []string{intent}
	dec.Act, dec.Evidence = d.intents[intent].Act, d.intents[intent].Evidence
	return dec
}

// answer says what the intent leads to: a beat, else a fact, else a line of the intent.
func (d *Dialogue) answer(s *State, dec *Decision) {
	id := dec.Intents[0]
	intent := d.intents[id]
	s.Asked[id]++
	s.change(d, d.doc.Effects[id])
	if d.doc.Effects[id] == nil {
		s.change(d, d.doc.Effects[string(intent.Act)])
	}
	switch {
	case d.sayBeat(s, id, dec):
	case d.sayFact(s, id, dec):
	case len(intent.Say) > 0:
		n := min(s.Used["say."+id], len(intent.Say)-1)
		s.Used["say."+id]++
		dec.Lines = append(dec.Lines, newLine(intent.Say[n], s.Emotion()))
	}
}

func (d *Dialogue) sayBeat(s *State, id string, dec *Decision) bool {
	for i, b := range d.beats {
		key := "beat." + string(rune('a'+i))
		if b.On != id || s.Used[key] > 0 || !b.when.holds(s) {
			continue
		}
		s.Used[key]++
		s.change(d, b.Effects)
		dec.Lines = append(dec.Lines, newLine(b.Say, s.Emotion()))
		return true
	}
	return false
}

// sayFact tells the deepest fact that the intent asks for and that is not known yet. When none of
// them is earned, the patient evades. When all are known, the first is told again.
func (d *Dialogue) sayFact(s *State, id string, dec *Decision) bool {
	var evade, again *fact
	for i := range d.facts {
		f := &d.facts[i]
		switch {
		case !slices.Contains(f.On, id):
		case s.Known[f.ID]:
			if again == nil {
				again = f
			}
		case f.need.holds(s):
			s.Known[f.ID] = true
			dec.Reveals = append(dec.Reveals, f.ID)
			dec.Lines = append(dec.Lines, f.line(s))
			return true
		case evade == nil && f.Else != "":
			evade = f
		}
	}
	switch {
	case evade != nil:
		dec.Lines = append(dec.Lines, newLine(evade.Else, s.Emotion()))
	case again != nil:
		dec.Lines = append(dec.Lines, again.line(s))
	}
	return evade != nil || again != nil
}

func (f *fact) line(s *State) Line {
	e := Emotion(f.Emotion)
	if e == "" {
		e = s.Emotion()
	}
	return newLine(f.Say, e)
}

// repair asks again, never with the same words twice running. After two the patient helps, and
// the page offers another way.
func (d *Dialogue) repair(s *State, dec *Decision) {
	s.Repairs++
	s.Pending = ""
	text := helpLine
	if s.Repairs <= 2 || s.Repair == helpLine {
		options := slices.DeleteFunc(slices.Clone(d.doc.Repair), func(r string) bool {
			return strings.EqualFold(r, s.Repair)
		})
		text = options[s.Used["repair"]%len(options)]
		s.Used["repair"]++
	}
	dec.Offer = s.Repairs > 2
	s.Repair = text
	dec.Lines = []Line{newLine(text, s.Emotion())}
}

// Wait decides what the patient says by itself, at a time at which nobody speaks: it drops a cue,
// ends a silence, or closes the conversation. The second value is false for nothing.
func (d *Dialogue) Wait(s *State, at float64) (Decision, bool) {
	var dec Decision
	say := func(text string) (Decision, bool) {
		dec.Lines, s.SpokeAt = []Line{newLine(text, s.Emotion())}, at
		d.addRecordings(dec.Lines)
		return dec, true
	}
	if c := d.doc.Close; c.AtS > 0 && at >= c.AtS && !s.Closed {
		s.Closed = true
		return say(c.Say)
	}
	quiet := at - s.SpokeAt
	for _, c := range d.cues {
		if at >= c.AfterS && quiet >= cueSilence && !s.Dropped[c.ID] &&
			(len(c.unless) == 0 || !c.unless.holds(s)) {
			s.Dropped[c.ID] = true
			dec.Cues = []string{c.ID}
			return say(c.Say)
		}
	}
	for i, silence := range d.doc.Silence {
		key := "silence." + string(rune('a'+i))
		if quiet >= silence.AfterS && s.Used[key] == 0 {
			s.Used[key]++
			return say(silence.Say)
		}
	}
	return dec, false
}

// cueSilence is for how long nobody must have spoken, in seconds, before the patient drops a cue.
const cueSilence = 2
