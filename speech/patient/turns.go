package patient

import "slices"

// How long the candidate must be silent, in seconds, before the turn is over. In recorded
// consultations the other speaks next after 97 % of questions, 56 % of statements and 48 % of
// phrases that end in a word such as "and"; a fixed half second would cut in at one turn in six.
const (
	pauseQuestion = 0.48
	// after a question that ends in a preposition
	pausePreposition = 0.8
	pauseStatement   = 1.1
	pauseUnclear     = 1.4 // nothing was understood so far
	pauseHesitant    = 2.5 // also after "Okay." alone, with which the next turn begins
	longestPause     = 2.5
)

// What interrupts the patient: so much speech, in seconds, or so many words.
const (
	bargeInSpeech = 0.5
	bargeInWords  = 2
)

// remembered is the number of pauses within turns from which a speaker's habit is known.
const remembered = 12

// Turns decides when the candidate's turn is over, and whether the candidate interrupts. Its times
// are those of the play, in seconds. One goroutine uses it.
type Turns struct {
	speaking bool
	since    float64   // the last change between speech and silence
	spoken   bool      // something was said in this turn
	pauses   []float64 // within the last turns, the newest last
}

// Voice records that the candidate began or ceased to speak. Silences after which the candidate
// goes on are the speaker's own pauses.
func (t *Turns) Voice(at float64, speaking bool) {
	if speaking == t.speaking {
		return
	}
	if speaking && t.spoken {
		if t.pauses = append(t.pauses, at-t.since); len(t.pauses) > remembered {
			t.pauses = t.pauses[1:]
		}
	}
	t.speaking, t.since, t.spoken = speaking, at, t.spoken || speaking
}

// Over reports whether the turn is over, and if not, how much longer the silence must last; 0
// while the candidate speaks or has not spoken. act is what the words so far mean, empty when that
// is not clear.
func (t *Turns) Over(at float64, words []string, act Act) (over bool, left float64) {
	if t.speaking || !t.spoken {
		return false, 0
	}
	left = t.pause(words, act) - (at - t.since)
	return left <= 0, max(left, 0)
}

// Next begins the candidate's next turn.
func (t *Turns) Next() { t.spoken = t.speaking }

// pause returns how long the silence must last.
func (t *Turns) pause(words []string, act Act) float64 {
	wait := pauseStatement
	switch more := promise(words); {
	case more == surely, more == likely && !act.Asks():
		return pauseHesitant
	case more == likely: // a recogniser invents short words at the end of a question
		return pauseStatement
	case more == perhaps && act.Asks():
		return pausePreposition
	case act.Asks():
		return pauseQuestion
	case acknowledges(words):
		return pauseHesitant
	case more == perhaps || act == "":
		wait = pauseUnclear
	}
	if len(t.pauses) >= remembered/2 { // longer than most of the speaker's own
		own := slices.Sorted(slices.Values(t.pauses))
		wait = max(wait, own[len(own)*9/10]*1.15)
	}
	return min(wait, longestPause)
}

// certainty says how sure it is that a speaker goes on after a word.
type certainty int

const (
	unlikely certainty = iota
	perhaps            // after a preposition: "What are you afraid of?" is complete
	likely             // after an article
	surely             // after "um" and "and"
)

// promise returns how sure it is that more comes after the last word.
func promise(words []string) certainty {
	if len(words) == 0 {
		return unlikely
	}
	switch words[len(words)-1] {
	case "um", "uh", "er", "erm", "and", "or", "but", "so", "because":
		return surely
	case "the", "a", "an", "your", "my":
		return likely
	case "of", "to", "with", "for", "is", "are", "if", "that", "which":
		return perhaps
	}
	return unlikely
}

// acknowledges reports whether the words only say that the speaker has listened, and answer
// nothing.
func acknowledges(words []string) bool {
	return len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool {
		return !backchannel(w) || w == "yes" || w == "yeah"
	})
}

// Interrupts reports whether what the candidate says while the patient speaks is an interruption:
// half a second of speech or two words, unless they only say that the candidate listens.
func (t *Turns) Interrupts(at float64, words []string) bool {
	told := slices.DeleteFunc(slices.Clone(words), backchannel)
	if len(words) > 0 && len(told) == 0 {
		return false
	}
	return len(told) >= bargeInWords || t.speaking && at-t.since >= bargeInSpeech
}

func backchannel(word string) bool {
	return slices.Contains([]string{
		"mm", "mhm", "hmm", "uh", "huh", "okay", "ok", "yes", "yeah", "right", "alright",
		"all", "sure", "good", "great", "fine", "oh", "ah", "i", "see",
	}, word)
}
