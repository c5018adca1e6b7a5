package patient

// askedFrom is how likely words must be a question, by their form alone, to be one for
// turn-taking.
const askedFrom = 0.85

// BeginAt returns the state at the beginning of a conversation that begins at a time of the play.
// What the patient would have said by itself before is not made up for.
func (d *Dialogue) BeginAt(at float64) *State {
	s := d.Begin()
	for _, c := range d.cues {
		if c.AfterS <= at {
			s.Dropped[c.ID] = true
		}
	}
	s.Closed = d.doc.Close.AtS > 0 && at >= d.doc.Close.AtS
	return s
}

// Guess returns what the words of a turn that is not over yet mean so far, as turn-taking needs
// it; empty when that is not clear. A question that no intent has is a question all the same: it
// is over as soon. Guess changes nothing.
func (d *Dialogue) Guess(s *State, words []string) Act {
	act := d.understand(s, Utterance{Best: [][]string{words}}, DefaultThresholds()).Act
	if act != "" {
		return act
	}
	best, asked := Act(""), 0.0
	p := d.matcher.acts.probabilities(words)
	for _, a := range Acts() {
		if a.Asks() {
			if asked += p[a]; best == "" || p[a] > p[best] {
				best = a
			}
		}
	}
	if asked < askedFrom {
		return ""
	}
	return best
}
