package patient

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"bedside/speech/asr"
	"bedside/store"
)

// insulin is a small dialogue.
const insulin = `{
	"state": {"anxiety": {"start": 70, "relaxes_to": 30}, "trust": {"start": 35}},
	"effects": {"empathy": {"trust": 15, "anxiety": -50}, "dismiss": {"trust": -20}},
	"intents": [
		{"id": "ask_worry", "act": "open_question", "evidence": ["B1"],
			"confirm": "Do you mean what worries me?",
			"examples": ["what worries you most about it", "what are you afraid of",
				"is there anything that bothers you about the injections"]},
		{"id": "ask_tablets", "act": "closed_question", "confirm": "Do you mean my tablets?",
			"examples": ["have you been taking your tablets", "do you take the medicine every day",
				"how do you get on with your tablets"]},
		{"id": "ask_home", "act": "closed_question",
			"examples": ["who is at home with you in the evening", "do you live alone",
				"is anybody there to help you at home"]},
		{"id": "empathy", "act": "social", "evidence": ["A4"],
			"examples": ["i can see that this is hard for you", "that must have been frightening",
				"i am sorry to hear that"]},
		{"id": "dismiss", "act": "reassure",
			"examples": ["don't worry about it", "it is nothing to be afraid of",
				"everybody manages that"]},
		{"id": "yes", "act": "social",
			"examples": ["yes", "yes please", "yes that is what i mean"]},
		{"id": "no", "act": "social", "examples": ["no", "no i don't mean that", "no not really"]}
	],
	"facts": [
		{"id": "needles", "layer": 3, "on": ["ask_worry"], "need": "trust >= 45",
			"say": "It's the needles.", "else": "I just don't fancy it, that's all."},
		{"id": "brother", "layer": 3, "on": ["ask_worry"], "need": "known.needles and trust >= 60",
			"say": "My brother lost his leg.", "else": "I don't want to talk about it."},
		{"id": "missed", "layer": 1, "on": ["ask_tablets"],
			"say": "I left them out on the lates."},
		{"id": "karen", "layer": 1, "on": ["ask_home"], "say": "I live with my daughter Karen."}
	],
	"cues": [{"id": "end", "after_s": 60, "unless": "known.brother", "opens": "ask_worry",
		"say": "I know where it goes, once you're on insulin."}],
	"beats": [
		{"on": "dismiss", "if": "", "say": "That's easy for you to say.",
			"effects": {"trust": -5}},
		{"on": "dismiss", "if": "known.needles", "say": "I told you what it is."}
	],
	"repair": ["Sorry, I didn't catch that.", "I'm not sure what you mean."],
	"silence": [{"after_s": 14, "say": "Is there anything else?"}],
	"close": {"at_s": 290, "say": "Thank you for explaining it."}
}`

func newDialogue(t *testing.T, document string) *Dialogue {
	t.Helper()
	d, err := New(store.Scenario{Slug: "test", Dialogue: json.RawMessage(document)},
		func(string) []string { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// hear passes one utterance and returns what the patient says.
func hear(d *Dialogue, s *State, at float64, text string) (Decision, string) {
	dec := d.Hear(s, Utterance{From: at - 1, To: at, Best: [][]string{asr.Words(text)}},
		DefaultThresholds())
	var said []string
	for _, l := range dec.Lines {
		said = append(said, l.Text)
	}
	return dec, strings.Join(said, " ")
}

func TestFactsAreEarned(t *testing.T) {
	d := newDialogue(t, insulin)
	s := d.Begin()
	for _, turn := range []struct {
		text, said string
		reveals    []string
		evidence   []string
	}{
		{"what worries you most about it", "I just don't fancy it, that's all.", nil,
			[]string{"B1"}},
		{"i can see that this is hard for you", "", nil, []string{"A4"}},
		{"what are you afraid of", "It's the needles.", []string{"needles"}, []string{"B1"}},
		{"what worries you most about it", "I don't want to talk about it.", nil, []string{"B1"}},
		{"that must have been frightening", "", nil, []string{"A4"}},
		{"what worries you most about it", "My brother lost his leg.", []string{"brother"},
			[]string{"B1"}},
		{"what worries you most about it", "It's the needles.", nil, []string{"B1"}},
	} {
		dec, said := hear(d, s, 10, turn.text)
		if dec.Outcome != Answer || said != turn.said ||
			!slices.Equal(dec.Reveals, turn.reveals) ||
			!slices.Equal(dec.Evidence, turn.evidence) {
			t.Errorf("to %q: %s %q, reveals %v, evidence %v (%v)", turn.text, dec.Outcome, said,
				dec.Reveals, dec.Evidence, dec.Matches)
		}
	}
	if s.Gauges["anxiety"] != 30 || s.Gauges["trust"] != 65 || s.Emotion() != Warm {
		t.Errorf("gauges %v, emotion %s", s.Gauges, s.Emotion())
	}
}

func TestMostSpecificBeatWinsOnce(t *testing.T) {
	d := newDialogue(t, insulin)
	s := d.Begin()
	s.Known["needles"] = true
	var said []string
	for range 3 {
		_, line := hear(d, s, 10, "don't worry about it")
		said = append(said, line)
	}
	want := []string{"I told you what it is.", "That's easy for you to say.", ""}
	if !slices.Equal(said, want) || s.Gauges["trust"] != 0 {
		t.Errorf("said %q, trust %d", said, s.Gauges["trust"])
	}
}

func TestRepairsVaryAndThenHelp(t *testing.T) {
	d := newDialogue(t, insulin)
	s := d.Begin()
	last := ""
	for i := range 6 {
		dec, said := hear(d, s, 10, "zebra umbrella parliament")
		if dec.Outcome != Repair || said == "" || said == last || dec.Offer != (i >= 2) ||
			(i == 2) != (said == helpLine) && i <= 2 {
			t.Errorf("repair %d: %s %q, offer %v", i, dec.Outcome, said, dec.Offer)
		}
		last = said
	}
	if dec, _ := hear(d, s, 10, "do you live alone"); dec.Outcome != Answer || s.Repairs != 0 {
		t.Errorf("after repairs: %+v", dec)
	}
}

func TestConfirmationIsAnswered(t *testing.T) {
	d := newDialogue(t, insulin)
	for answer, want := range map[string]string{
		"yes": "I left them out on the lates.", "no": "Sorry, I didn't catch that.",
		"do you live alone": "I live with my daughter Karen.",
	} {
		s := d.Begin()
		dec := d.Hear(s, Utterance{Best: [][]string{asr.Words("tablets every day")}},
			Thresholds{Answer: 1, Confirm: 0, Lead: 0})
		if dec.Outcome != Confirm || dec.Lines[0].Text != "Do you mean my tablets?" {
			t.Fatalf("an unclear question: %+v", dec)
		}
		if _, said := hear(d, s, 10, answer); said != want || s.Pending != "" {
			t.Errorf("to %q: %q, pending %q", answer, said, s.Pending)
		}
	}
}

func TestCompoundQuestionGetsAnAnswerToItsLastPart(t *testing.T) {
	d := newDialogue(t, insulin)
	dec, said := hear(d, d.Begin(), 10,
		"have you been taking your tablets and do you live alone")
	if said != "I live with my daughter Karen." || !slices.Equal(dec.Against, []string{"D3"}) {
		t.Errorf("said %q, against %v", said, dec.Against)
	}
}

func TestPatientSpeaksByItself(t *testing.T) {
	d := newDialogue(t, insulin)
	s := d.Begin()
	s.SpokeAt = 59
	for _, c := range []struct {
		at   float64
		said string
	}{
		{60, ""}, {61, "I know where it goes, once you're on insulin."}, {74.9, ""},
		{75, "Is there anything else?"}, {120, ""}, {290, "Thank you for explaining it."},
		{300, ""},
	} {
		dec, ok := d.Wait(s, c.at)
		said := ""
		if len(dec.Lines) > 0 {
			said = dec.Lines[0].Text
		}
		if said != c.said || ok != (c.said != "") {
			t.Errorf("at %v s: %q; want %q", c.at, said, c.said)
		}
	}
}

func TestEverythingSaidIsAmongTheLines(t *testing.T) {
	d := newDialogue(t, insulin)
	lines := map[string]bool{}
	for _, l := range d.Lines() {
		lines[l.ID] = true
	}
	s := d.Begin()
	for i, text := range []string{
		"what worries you most about it", "that must have been frightening", "do you live alone",
		"parliament", "umbrella", "zebra", "don't worry about it",
		"have you been taking your tablets",
	} {
		dec, _ := hear(d, s, float64(10*i), text)
		for _, l := range dec.Lines {
			if !lines[l.ID] {
				t.Errorf("%+v cannot be rendered beforehand", l)
			}
		}
	}
}

func TestInvalidDialogues(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"intent":    {`"on": ["ask_home"]`, `"on": ["ask_house"]`, `no intent "ask_house"`},
		"condition": {`trust >= 45`, `trust is high`, "trust is high"},
		"key":       {`"layer": 1`, `"level": 1`, `"level"`},
		"act":       {`"act": "reassure"`, `"act": "soothe"`, `"soothe"`},
		"moves":     {`"state"`, `"use": ["moves/rare"], "state"`, `moves/rare`},
		"repair":    {`, "I'm not sure what you mean."`, ``, "two lines"},
	} {
		_, err := New(store.Scenario{
			Dialogue: json.RawMessage(strings.Replace(insulin, c.from, c.to, 1)),
		}, nil)
		if !errors.Is(err, store.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(store.Scenario{}, nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no dialogue: %v", err)
	}
}

func TestStateSurvivesAsJSON(t *testing.T) {
	d := newDialogue(t, insulin)
	s := d.Begin()
	hear(d, s, 10, "what worries you most about it")
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	other := &State{}
	if err := json.Unmarshal(data, other); err != nil {
		t.Fatal(err)
	}
	a, _ := hear(d, s, 20, "that must have been frightening")
	b, _ := hear(d, other, 20, "that must have been frightening")
	if x, _ := json.Marshal(a); string(x) != string(must(json.Marshal(b))) {
		t.Errorf("the other goes on with %+v instead of %+v", b, a)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestEndOfTurn(t *testing.T) {
	for _, c := range []struct {
		name  string
		words string
		act   Act
		after float64
	}{
		{"question", "what worries you", OpenQuestion, 0.48},
		{"statement", "i will show you", Explain, 1.1},
		{"unclear", "the other day", "", 1.4},
		{"hesitation", "and then we", Explain, 1.1},
		{"promises more", "i will show you and", Explain, 2.5},
		{"filler in a question", "do you take um", ClosedQuestion, 2.5},
		{"article after a statement", "i will show you the", Explain, 2.5},
		{"article that was not said", "how often do you take something for a", OpenQuestion, 1.1},
		{"preposition", "what are you afraid of", OpenQuestion, 0.8},
		{"preposition, unclear", "what happened to the person you work with", "", 1.4},
		{"acknowledgement", "okay all right", Social, 2.5},
		{"one that asks", "okay", Check, 0.48},
		{"answer", "yes", Social, 1.1},
		{"acknowledgement and more", "okay i will show you", Explain, 1.1},
	} {
		var turns Turns
		turns.Voice(1, true)
		turns.Voice(3, false)
		words := strings.Fields(c.words)
		if over, left := turns.Over(3.1, words, c.act); over || left < c.after-0.11 ||
			left > c.after-0.09 {
			t.Errorf("%s: %v left after 0.1 s", c.name, left)
		}
		if over, _ := turns.Over(3+c.after+0.01, words, c.act); !over {
			t.Errorf("%s: not over after %v s", c.name, c.after)
		}
	}
}

func TestSlowSpeakersAreGivenTime(t *testing.T) {
	var turns Turns
	at := 0.0
	for range 8 {
		turns.Voice(at, true)
		turns.Voice(at+1, false)
		at += 2.6 // 1.6 s of silence within the turn
	}
	if over, _ := turns.Over(at-1.6+1.5, nil, Explain); over {
		t.Error("a slow speaker is cut off")
	}
	turns.Next()
	if over, _ := turns.Over(at+60, nil, Explain); over {
		t.Error("a turn in which nothing was said is over")
	}
}

func TestInterruptions(t *testing.T) {
	for _, c := range []struct {
		words    string
		speaking float64
		want     bool
	}{
		{"", 0.3, false}, {"", 0.6, true}, {"mm", 0.6, false}, {"okay i see", 0.9, false},
		{"wait a", 0.3, true}, {"what", 0.2, false},
	} {
		var turns Turns
		turns.Voice(10, true)
		if got := turns.Interrupts(10+c.speaking, strings.Fields(c.words)); got != c.want {
			t.Errorf("%q after %v s: %v", c.words, c.speaking, got)
		}
	}
}

// TestUnsureWordsAreAskedAbout checks that the same words are not answered when the recogniser has
// little confidence in them.
func TestUnsureWordsAreAskedAbout(t *testing.T) {
	d := newDialogue(t, insulin)
	u := Utterance{Best: [][]string{asr.Words("do you take your tablets every day")}}
	for sure, answered := range map[float64]bool{0: true, 0.9: true, 0.2: false} {
		u.Sure = sure
		got := d.Hear(d.Begin(), u, DefaultThresholds()).Outcome
		if (got == Answer) != answered {
			t.Errorf("confidence %.1f: %s", sure, got)
		}
	}
}

func TestQuestionsAreKnownByTheirForm(t *testing.T) {
	d := newDialogue(t, insulin)
	for words, asks := range map[string]bool{
		"what happened to the person you work with": true,
		"how is your eyesight these days":           true,
		"have you got any pets":                     true,
		"did somebody tell you about the parking":   true,
		"the weather was rather nice on sunday":     false,
		"i will come back to that in a moment":      false,
		"i parked my car behind the house":          false,
		"and then":                                  false,
	} {
		if got := d.Guess(d.Begin(), strings.Fields(words)); got.Asks() != asks {
			t.Errorf("%q is taken for %q", words, got)
		}
	}
}
