package patient

import "slices"

// Verdict says whether the patient took an utterance as it was meant.
type Verdict string

// The verdicts.
const (
	Right        Verdict = "right"          // answered what was asked
	Confirmed    Verdict = "confirmed"      // asked whether it was meant, and it was
	Wrong        Verdict = "wrong"          // answered something else
	Misconfirmed Verdict = "misconfirmed"   // asked whether something else was meant
	NotTaken     Verdict = "not understood" // asked again
)

// Tally counts verdicts.
type Tally map[Verdict]int

// Total returns how many utterances were judged.
func (t Tally) Total() int {
	n := 0
	for _, c := range t {
		n += c
	}
	return n
}

// Share returns the share of a verdict, from 0 to 1; 0 when nothing was judged.
func (t Tally) Share(v Verdict) float64 { return float64(t[v]) / float64(max(t.Total(), 1)) }

// Judge says how an utterance of a known intent is taken at the beginning of a conversation. An
// intent that has the same answers as the one that was meant is as good: whether "what do you
// hope for" is a shared move or the scenario's own question makes no difference to the answer.
// An utterance that has no place in the scenario is meant as "".
func (d *Dialogue) Judge(u Utterance, meant string, t Thresholds) Verdict {
	dec := d.understand(&State{}, u, t)
	switch {
	case dec.Outcome == Repair:
		return NotTaken
	case dec.Outcome == Answer && d.same(dec.Intents[0], meant):
		return Right
	case dec.Outcome == Answer:
		return Wrong
	case d.same(dec.Matches[0].Intent, meant):
		return Confirmed
	}
	return Misconfirmed
}

// same reports whether two intents are one, or lead to the same facts and beats, and to some.
func (d *Dialogue) same(a, b string) bool {
	if a == b || b == "" {
		return a == b
	}
	x, y := d.answers(a), d.answers(b)
	return len(x) > 0 && slices.Equal(x, y)
}

// answers returns the keys of the facts and beats that an intent leads to, sorted.
func (d *Dialogue) answers(intent string) []string {
	var list []string
	for _, f := range d.facts {
		if slices.Contains(f.On, intent) {
			list = append(list, "fact "+f.ID)
		}
	}
	for _, b := range d.beats {
		if b.On == intent {
			list = append(list, "beat "+b.Say)
		}
	}
	slices.Sort(list)
	return list
}
