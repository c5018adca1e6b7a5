package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"bedside/speech/asr/sphinx"
	"bedside/speech/patient"
	"bedside/store"
	"bedside/store/scenario"
)

// tryIntents prints what to expect of the intents of each scenario that has a dialogue, and
// returns warnings: intents that are confused with others, and words that cannot be recognised,
// because no dictionary has them.
func tryIntents(ctx context.Context, out io.Writer, data []byte) (found []scenario.Finding,
	err error) {
	list, err := scenario.Parse(data)
	if err != nil {
		return nil, err
	}
	recogniser, err := sphinx.New(sphinx.Config{})
	if err != nil {
		fmt.Fprintf(out, "Words are not looked up in a dictionary: %v\n", err)
	}
	for n, s := range list {
		if len(s.Dialogue) == 0 {
			continue
		}
		own, err := tryDialogue(ctx, out, recogniser, s)
		if err != nil {
			return nil, err
		}
		found = append(found, scenario.Locate(data, n, own)...)
	}
	return found, nil
}

// tryDialogue does it for one scenario. recogniser is nil where there is none.
func tryDialogue(ctx context.Context, out io.Writer, recogniser *sphinx.Recogniser,
	s store.Scenario) (found []scenario.Finding, err error) {
	var phones func(string) []string
	if recogniser != nil {
		phones = recogniser.Phones
	}
	d, err := patient.New(s, phones)
	if err != nil {
		return nil, err
	}
	if recogniser != nil {
		words, err := recogniser.Unknown(d.Texts(), d.Say())
		if err != nil {
			return nil, err
		}
		if len(words) > 0 {
			found = append(found, warn("dialogue", "pronunciation",
				"no dictionary has %s: add the pronunciation in ARPABET to say",
				strings.Join(words, ", ")))
		}
	}
	expected, err := d.Expect(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "%s: what examples are taken for that the patient has not seen\n"+
		"%-28s %8s %5s %5s %5s %6s\n", s.Slug, "intent", "examples", "right", "asked", "wrong",
		"repair")
	for i, e := range expected {
		fmt.Fprintln(out, e)
		if other := e.Confuses(); other != "" {
			found = append(found, warn(fmt.Sprintf("dialogue.intents[%d]", i), "confusion",
				"examples of %s are taken for %s, such as “%s”: make them differ, or make one "+
					"intent of both", e.Intent, other, exampleOf(e, other)))
		}
	}
	return found, nil
}

func exampleOf(e patient.Expectation, other string) string {
	for _, c := range e.Confused {
		if c.Intent == other {
			return c.Example
		}
	}
	return ""
}

func warn(path, rule, format string, args ...any) scenario.Finding {
	return scenario.Finding{
		Path: path, Severity: scenario.Warning, Rule: rule, Message: fmt.Sprintf(format, args...),
	}
}
