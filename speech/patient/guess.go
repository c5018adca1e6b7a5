package patient

// askedFrom is how likely words must be a question, by their form alone, to be one for
// turn-taking.
const askedFrom = 0.85

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
