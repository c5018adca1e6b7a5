package chat

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"bedside/speech/asr"
)

const (
	maxLine  = 300 // bytes
	maxWords = 45
	// shortest is the number of letters from which a word can tell a fact.
	shortest = 4
)

var errLong = errors.New("the line is too long")

// Check returns an error unless the patient may say a line.
func (t Turn) Check(text string) error {
	if err := t.CheckSoFar(text); err != nil {
		return err
	}
	return t.checkTold(stemsOf(asr.Words(text)))
}

// CheckSoFar returns an error unless the patient may say a line that begins with a text. What the
// line has to tell may follow.
func (t Turn) CheckSoFar(text string) error {
	words := asr.Words(text)
	switch {
	case len(words) == 0:
		return errors.New("the line is empty")
	case len(text) > maxLine || len(words) > maxWords:
		return errLong
	case strings.ContainsFunc(text, unspeakable):
		return errors.New("the line has stage directions or markup")
	case strings.Contains(text, "://") || speaker(text):
		return errors.New("the line is no speech")
	}
	plain := " " + strings.Join(words, " ") + " "
	for _, phrase := range outOfRole() {
		if strings.Contains(plain, " "+phrase+" ") {
			return fmt.Errorf("the line is out of role: %q", phrase)
		}
	}
	return t.checkHidden(stemsOf(words))
}

// checkHidden returns an error when a line has a telling word of a hidden fact.
func (t Turn) checkHidden(said map[string]bool) error {
	open := stems(append([]string{t.Card.Background, t.Card.Setting, t.Script.Text}, t.Known...))
	for _, fact := range t.Hidden {
		for w := range stems([]string{fact}) {
			if said[w] && !open[w] {
				return fmt.Errorf("the line tells of a hidden fact: %q", w)
			}
		}
	}
	return nil
}

// checkTold returns an error when a line does not have telling words of each fact that it has to
// tell.
func (t Turn) checkTold(said map[string]bool) error {
	for _, fact := range t.Told {
		telling, there := stems([]string{fact}), 0
		for w := range telling {
			if said[w] {
				there++
			}
		}
		if 3*there < len(telling) {
			return errors.New("the line does not tell what it has to")
		}
	}
	return nil
}

func stemsOf(words []string) map[string]bool {
	set := map[string]bool{}
	for _, w := range words {
		set[stem(w)] = true
	}
	return set
}

// stems returns the telling words of texts, without their endings.
func stems(texts []string) map[string]bool {
	set := map[string]bool{}
	for _, text := range texts {
		for _, w := range asr.Words(text) {
			if len(w) >= shortest && !common(w) {
				set[stem(w)] = true
			}
		}
	}
	return set
}

// stem returns a word without the endings that inflect it. Different words may share a stem: then
// the script's line is said once too often.
func stem(w string) string {
	w = strings.TrimSuffix(w, "'s")
	for _, ending := range []string{"ions", "ion", "ing", "ed", "es", "s"} {
		if rest, ok := strings.CutSuffix(w, ending); ok && len(rest) >= 3 {
			return rest
		}
	}
	return w
}

// unspeakable reports whether a character does not belong to spoken English.
func unspeakable(r rune) bool {
	return strings.ContainsRune("*()[]{}<>_#\"“”|\\`~=/", r) || unicode.IsControl(r) ||
		unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r)
}

// speaker reports whether a line begins with who speaks, as in "Patient: yes".
func speaker(text string) bool {
	who, _, ok := strings.Cut(text, ":")
	return ok && len(strings.Fields(who)) <= 3
}

// outOfRole returns what a patient does not say.
func outOfRole() []string {
	return []string{
		"an ai", "language model", "assistant", "artificial intelligence", "chatbot",
		"system prompt", "my instructions", "the script", "role play", "roleplay",
		"the candidate", "the examiner", "examination", "i cannot help with",
		"i can't help with", "how can i help you", "how may i help you", "i recommend",
		"i would recommend", "i'd recommend", "i advise", "i would advise", "i'd advise",
		"i'm going to prescribe", "i will prescribe", "i'll prescribe", "your symptoms",
		"your medication", "your blood pressure", "your condition", "you should take",
		"as your nurse", "as your doctor", "my patient",
	}
}

// common reports whether a word is so common that it tells nothing.
func common(w string) bool {
	return strings.Contains(" about after again always another anything aren't back because been "+
		"before being better can't come could couldn't didn't does doesn't doing don't down each "+
		"even ever every everything feel felt from give going gone good have haven't having he's "+
		"here hers i'll i've into isn't it's just keep knew know like little long look made make "+
		"many maybe mean might more most much must need never nobody nothing okay once only other "+
		"over people perhaps quite rather really right said same says seem seen shall she's should "+
		"since some somebody something sometimes sorry still such suppose sure take tell than that "+
		"that's their them then there there's these they they're thing think this those though "+
		"thought through time told took until used very want wanted wasn't well went were what "+
		"what's when where which while will with without won't would wouldn't yeah year your "+
		"you're yourself myself ", " "+w+" ")
}
