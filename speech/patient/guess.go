package patient

// Guess returns what the words of a turn that is not over yet mean so far, as turn-taking needs
// it; empty when that is not clear. It changes nothing.
func (d *Dialogue) Guess(s *State, words []string) Act {
	return d.understand(s, Utterance{Best: [][]string{words}}, DefaultThresholds()).Act
}
