package speech

import (
	"cmp"
	"slices"
	"strings"

	"bedside/speech/event"
	"bedside/store"
)

const (
	// maxUtterances is the largest number of utterances in a report, and maxHeard that of bytes in
	// their texts. In twelve minutes people say two hundred of them.
	maxUtterances = 2000
	maxHeard      = 200 << 10
	// maxListeners is the largest number of changes of the recogniser in a report.
	maxListeners = 100
)

// dialogue collects what was said in a play with an automatic patient, from the events of its log.
// It belongs to its conversation.
type dialogue struct {
	start int64 // of the play, in microseconds since 1970
	told  store.Conversation
	heard int // bytes of text so far

	candidate int      // the index of the candidate's last utterance; -1: none
	patient   int      // likewise of the patient's
	reply     string   // what the ids of its pieces begin with; empty: it has none
	emotion   string   // the patient's mood
	cues      []string // dropped with the patient's next line
}

func newDialogue(start int64) *dialogue {
	return &dialogue{start: start, candidate: -1, patient: -1}
}

// add takes an event of the log, in the log's order.
func (d *dialogue) add(e event.Event) {
	switch e := e.(type) {
	case event.Words:
		d.addWords(e)
	case event.Heard:
		if d.candidate >= 0 {
			d.told.Utterances[d.candidate].Understood = understood(e)
		}
	case event.Fact:
		d.addFact(e.ID)
	case event.Cue:
		if len(d.cues) < maxListeners {
			d.cues = append(d.cues, e.ID)
		}
	case event.Mood:
		d.emotion = e.Emotion
	case event.Said:
		d.addSaid(e)
	case event.Recogniser:
		if len(d.told.Recognisers) < maxListeners {
			d.told.Recognisers = append(d.told.Recognisers, store.Listener{
				FromS: d.seconds(e.At), Name: e.Name, Why: e.Why,
			})
		}
	}
}

// addWords adds a turn of the candidate. The patient hears nobody else.
func (d *dialogue) addWords(e event.Words) {
	if store.Speaker(e.Speaker) != store.SpeakerCandidate {
		return
	}
	d.candidate = -1
	if len(e.Words) == 0 {
		return
	}
	u := store.Utterance{Speaker: store.SpeakerCandidate, Typed: e.Typed}
	texts, sure := make([]string, 0, len(e.Words)), 0.0
	for i, w := range e.Words {
		from, to := d.seconds(w.From), d.seconds(w.To)
		if i == 0 {
			u.StartS = from
		}
		u.EndS = max(u.EndS, to)
		texts, sure = append(texts, w.Text), sure+w.Confidence
	}
	u.Text = strings.Join(texts, " ")
	if !e.Typed {
		mean := sure / float64(len(e.Words))
		u.Confidence = &mean
	}
	if d.append(u) {
		d.candidate = len(d.told.Utterances) - 1
	}
}

func (d *dialogue) addFact(id string) {
	if slices.Contains(d.told.Revealed, id) || len(d.told.Revealed) >= maxListeners {
		return
	}
	d.told.Revealed = append(d.told.Revealed, id)
	if d.candidate >= 0 {
		u := &d.told.Utterances[d.candidate]
		u.Revealed = append(u.Revealed, id)
	}
}

// addSaid adds a line of the patient, unless nothing of it was played. What a model says comes in
// pieces, whose ids differ in the number at their end (see speech/actor).
func (d *dialogue) addSaid(e event.Said) {
	if e.To <= e.From {
		return
	}
	n := len(d.told.Utterances)
	if reply := replyOf(e.Line); reply != "" && reply == d.reply && d.patient == n-1 &&
		d.heard+1+len(e.Text) <= maxHeard {
		u := &d.told.Utterances[d.patient]
		u.Text, u.EndS, u.Cut = strings.TrimSpace(u.Text+" "+e.Text), d.seconds(e.To), e.Cut
		d.heard += 1 + len(e.Text)
		return
	}
	if d.append(store.Utterance{
		Speaker: store.SpeakerPatient, StartS: d.seconds(e.From), EndS: d.seconds(e.To),
		Text: e.Text, Cut: e.Cut, Emotion: d.emotion, Cues: d.cues,
	}) {
		d.patient, d.reply = n, replyOf(e.Line)
	}
	d.cues = nil
}

// replyOf returns what the ids of the pieces of one reply have in common, or "" for other lines.
func replyOf(line string) string {
	if !strings.Contains(line, "~") {
		return ""
	}
	return line[:strings.LastIndexByte(line, '.')+1]
}

// append adds an utterance, and reports false when the report is full.
func (d *dialogue) append(u store.Utterance) bool {
	if len(d.told.Utterances) >= maxUtterances || d.heard+len(u.Text) > maxHeard {
		d.told.Truncated = true
		return false
	}
	d.heard += len(u.Text)
	d.told.Utterances = append(d.told.Utterances, u)
	return true
}

func understood(e event.Heard) *store.Understood {
	u := &store.Understood{
		Outcome: e.Outcome, Act: e.Act, Intents: []store.Intent{}, Evidence: e.Evidence,
		Against: e.Against,
	}
	for _, i := range e.Intents {
		u.Intents = append(u.Intents, store.Intent(i))
	}
	return u
}

// seconds returns a time of the log on the report's time line.
func (d *dialogue) seconds(at int64) float64 { return max(float64(at-d.start)/1e6, 0) }

// conversation returns what was said; nil when no automatic patient took part.
func (d *dialogue) conversation() *store.Conversation {
	c := d.told
	if len(c.Utterances) == 0 && len(c.Recognisers) == 0 {
		return nil
	}
	slices.SortStableFunc(c.Utterances, func(a, b store.Utterance) int {
		return cmp.Compare(a.StartS, b.StartS)
	})
	if c.Utterances == nil {
		c.Utterances = []store.Utterance{}
	}
	if c.Recognisers == nil {
		c.Recognisers = []store.Listener{}
	}
	if c.Revealed == nil {
		c.Revealed = []string{}
	}
	return &c
}
