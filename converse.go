package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"bedside/speech/asr"
	"bedside/speech/patient"
	"bedside/store"
	"bedside/store/scenario"
)

type converseCommand struct {
	Scenario string `required:"" help:"Slug of a scenario that is part of the program, or a YAML file." placeholder:"SLUG|FILE"`
	JSON     bool   `help:"Print each turn as a line of JSON." name:"json"`
}

// Help describes the input and the times.
func (converseCommand) Help() string {
	return strings.Join([]string{
		"Talk to the automatic patient by typing: a line is what the candidate says in one turn. " +
			"An empty line is a silence of five seconds, in which the patient may speak. The " +
			"conversation ends with the input, or when the patient closes it.",
		"Times are those of speech: two and a half words a second, for both.",
		"Example: bedside converse --scenario nursing-insulin-at-home",
	}, "\n\n")
}

const (
	wordsPerSecond = 2.5
	typedSilence   = 5.0
)

// Run converses until the input ends.
func (c converseCommand) Run(ctx context.Context, i *invocation) error {
	d, err := openDialogue(c.Scenario, nil)
	if err != nil {
		return err
	}
	talk := conversation{dialogue: d, state: d.Begin(), out: i.out, json: c.JSON}
	lines := bufio.NewScanner(i.in)
	for ctx.Err() == nil && !talk.state.Closed && lines.Scan() {
		if err := talk.turn(strings.TrimSpace(lines.Text())); err != nil {
			return err
		}
	}
	return lines.Err()
}

// conversation is a typed conversation with a patient, and its time.
type conversation struct {
	dialogue *patient.Dialogue
	state    *patient.State
	at       float64 // seconds since the beginning
	out      io.Writer
	json     bool
}

// typedTurn is a turn as --json prints it.
type typedTurn struct {
	At   float64 `json:"at"` // when the patient answers
	Said string  `json:"said"`
	patient.Decision
}

func (t *conversation) turn(said string) error {
	var dec patient.Decision
	if words := asr.Words(said); len(words) > 0 {
		from := t.at
		t.at += float64(len(words)) / wordsPerSecond
		dec = t.dialogue.Hear(t.state, patient.Utterance{From: from, To: t.at,
			Best: [][]string{words}}, patient.DefaultThresholds())
	} else {
		t.at += typedSilence
		dec, _ = t.dialogue.Wait(t.state, t.at)
	}
	printed := typedTurn{At: t.at, Said: said, Decision: dec}
	for _, line := range dec.Lines {
		t.at += float64(len(asr.Words(line.Text))) / wordsPerSecond
	}
	t.state.SpokeAt = t.at
	if t.json {
		return json.NewEncoder(t.out).Encode(printed)
	}
	_, err := fmt.Fprint(t.out, describeTurn(printed))
	return err
}

// describeTurn returns a turn for people: what the patient says, and why in brackets.
func describeTurn(t typedTurn) string {
	var b strings.Builder
	for _, line := range t.Lines {
		fmt.Fprintf(&b, "%5.1f s  %s (%s)\n", t.At, line.Text, line.Emotion)
	}
	var why []string
	if t.Outcome != "" {
		why = append(why, string(t.Outcome))
	}
	for _, m := range t.Matches[:min(2, len(t.Matches))] {
		why = append(why, fmt.Sprintf("%s %.2f", m.Intent, m.Confidence))
	}
	for name, list := range map[string][]string{
		"reveals": t.Reveals, "cue": t.Cues, "shows": t.Evidence, "against": t.Against,
	} {
		if len(list) > 0 {
			why = append(why, name+" "+strings.Join(list, " "))
		}
	}
	if len(why) > 1 {
		slices.Sort(why[1:])
	}
	if len(why) > 0 {
		fmt.Fprintf(&b, "         [%s]\n", strings.Join(why, "; "))
	}
	return b.String()
}

// openDialogue returns the dialogue of a scenario, which is named by its slug or a file. phones
// returns the pronunciation of words that are heard; it is nil for typed ones.
func openDialogue(name string, phones func(string) []string) (*patient.Dialogue, error) {
	s, err := findScenario(name)
	if err != nil {
		return nil, err
	}
	return patient.New(s, phones)
}

func findScenario(name string) (store.Scenario, error) {
	list, err := scenario.Shipped()
	if err != nil {
		return store.Scenario{}, err
	}
	for _, s := range list {
		if s.Slug == name {
			return s, nil
		}
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return store.Scenario{}, fmt.Errorf("%q is neither a shipped scenario nor a file: %w",
			name, err)
	}
	if list, err = scenario.Parse(data); err != nil {
		return store.Scenario{}, fmt.Errorf("%s: %w", name, err)
	}
	return list[0], nil
}
