package patient

import (
	"context"
	"fmt"
	"slices"

	"bedside/speech/asr"
)

// Expectation is how utterances of an intent will be taken, by the author's own examples: each is
// judged by a matcher that has not learnt it (cross-validation). Examples of one intent are meant
// to differ, so that real utterances do better.
type Expectation struct {
	Intent   string      `json:"intent"`
	Examples int         `json:"examples" doc:"How many examples the intent has."`
	Right    int         `json:"right" doc:"Of these, how many are answered as they are meant, when the patient has not seen them."`
	Asked    int         `json:"asked" doc:"How many make the patient ask whether it has understood."`
	Wrong    int         `json:"wrong" doc:"How many are answered as if something else were meant."`
	Repaired int         `json:"repaired" doc:"How many the patient does not understand."`
	Confused []Confusion `json:"confused" doc:"The examples that are taken for another intent."`
}

// Confusion is an example that is taken for another intent.
type Confusion struct {
	Example string `json:"example"`
	Intent  string `json:"intent" doc:"The intent that it is taken for."`
}

// Confuses returns the intent for which most examples of this one are taken, when they are at
// least three and a tenth of them; else "".
func (e Expectation) Confuses() string {
	count := map[string]int{}
	for _, c := range e.Confused {
		count[c.Intent]++
	}
	most := ""
	for _, c := range e.Confused {
		if count[c.Intent] > count[most] {
			most = c.Intent
		}
	}
	if count[most] < 3 || count[most]*10 < e.Examples {
		return ""
	}
	return most
}

// folds is how often Expect trains a matcher. Each leaves out as many examples.
const folds = 4

// Expect returns what to expect of each of the scenario's own intents, in the order of the
// document. It takes as long as training four matchers: a second or two, and more on a busy
// machine. It returns the cause when ctx ends first.
func (d *Dialogue) Expect(ctx context.Context) ([]Expectation, error) {
	list := make([]Expectation, len(d.doc.Intents))
	for i, intent := range d.doc.Intents {
		list[i] = Expectation{
			Intent: intent.ID, Examples: len(intent.Examples), Confused: []Confusion{},
		}
	}
	for fold := range folds {
		learnt := d.sorted()
		for i := range learnt {
			if !learnt[i].shared {
				learnt[i].Examples = without(learnt[i].Examples, fold)
			}
		}
		judge := *d
		judge.matcher = NewMatcher(learnt, d.matcher.phones)
		for i, intent := range d.doc.Intents {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			for n, text := range intent.Examples {
				if n%folds == fold && len(intent.Examples) > 1 {
					judge.expect(&list[i], text)
				}
			}
		}
	}
	return list, nil
}

func without(examples []string, fold int) (kept []string) {
	for n, text := range examples {
		if n%folds != fold || len(examples) == 1 {
			kept = append(kept, text)
		}
	}
	return kept
}

func (d *Dialogue) expect(e *Expectation, text string) {
	u := Utterance{Best: [][]string{asr.Words(text)}}
	switch d.Judge(u, e.Intent, DefaultThresholds()) {
	case Right:
		e.Right++
	case Confirmed, Misconfirmed:
		e.Asked++
	case Wrong:
		e.Wrong++
		e.Confused = append(e.Confused, Confusion{text, d.Match(u)[0].Intent})
	default:
		e.Repaired++
	}
}

// Limits of what a matcher learns, since training takes time: the longest shipped dialogue has
// some 900 examples of 45 intents, shared moves included.
const (
	maxIntents  = 150
	maxExamples = 4000
	maxWords    = 60 // of an example
)

// checkSize returns store.ErrInvalid when a dialogue is too large to be learnt.
func (d *Dialogue) checkSize() error {
	examples := 0
	for _, i := range d.intents {
		examples += len(i.Examples)
		if n := slices.IndexFunc(i.Examples, func(text string) bool {
			return len(asr.Words(text)) > maxWords
		}); n >= 0 {
			return invalid("intent %s: example %d has more than %d words", i.ID, n+1, maxWords)
		}
	}
	if len(d.intents) > maxIntents || examples > maxExamples {
		return invalid("%d intents with %d examples in all; at most %d with %d are possible",
			len(d.intents), examples, maxIntents, maxExamples)
	}
	return nil
}

// String returns the expectation as a line of a table.
func (e Expectation) String() string {
	return fmt.Sprintf("%-28s %8d %5d %5d %5d %6d",
		e.Intent, e.Examples, e.Right, e.Asked, e.Wrong, e.Repaired)
}
