package evaluation

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bedside/speech/asr"
	"bedside/speech/patient"
)

// wordsPerSecond is how fast both speak.
const wordsPerSecond = 2.5

// candidate is how somebody leads a consultation. What is said about the matter itself comes from
// the paraphrases, in the order in which the scenario lists its intents.
type candidate struct {
	name   string
	begin  []string
	every  int      // of the scenario's intents, from the first
	acts   []string // if any: only intents of these acts
	tends  []string // said after each turn in which the patient told something, by turns
	breaks []string // said after every third turn, by turns
	end    []string
}

func candidates() []candidate {
	return []candidate{
		{
			name: "good",
			begin: []string{
				"Good morning. My name is Maria and I'm looking after you today.",
				"Would it be all right if I asked you a few questions?",
			},
			every: 1,
			tends: []string{
				"I'm so sorry, that must have been really hard for you.",
				"Thank you for telling me that.",
				"I can understand why you'd feel like that.",
			},
			end: []string{
				"Let me just sum up what we've talked about.",
				"Is there anything else you'd like to ask me?",
				"Thank you very much for your time.",
			},
		},
		{
			name:  "average",
			begin: []string{"Hello, I'm the person looking after you."},
			every: 2,
			tends: []string{"Okay.", "I see. Thank you for telling me."},
			end:   []string{"Do you have any questions?", "Goodbye."},
		},
		{
			name:  "poor",
			begin: []string{"Right, I haven't got much time today."},
			every: 1,
			acts:  []string{"explain", "advise", "reassure"},
			breaks: []string{
				"There's nothing to worry about, really.", "You should have come much earlier.",
				"It's your own fault, you know.",
			},
			end: []string{"We have to stop here."},
		},
	}
}

// consultation plays the part of both, and writes down what is said.
type consultation struct {
	t        *testing.T
	d        *patient.Dialogue
	s        *patient.State
	known    map[string]patient.Fact
	at       float64
	text     strings.Builder
	revealed []string
	last     string // line of the patient
	lines    int
	speaks   map[string]bool // all lines that the patient has
}

func begin(t *testing.T, d *patient.Dialogue) *consultation {
	t.Helper()
	c := &consultation{t: t, d: d, s: d.Begin(), known: map[string]patient.Fact{},
		speaks: map[string]bool{}}
	for _, f := range d.Document().Facts {
		c.known[f.ID] = f
	}
	for _, l := range d.Lines() {
		c.speaks[l.Text] = true
	}
	return c
}

// says lets the candidate say something about an intent, and confirm that it was meant when the
// patient asks so.
func (c *consultation) says(text, intent string) (told bool) {
	c.t.Helper()
	told = c.said(text)
	switch c.s.Pending {
	case "":
		return told
	case intent:
		return c.said("Yes, that's what I mean.")
	}
	c.said("No, I meant something else.")
	return c.said(text)
}

// said lets the candidate say something, and reports whether the patient told a fact.
func (c *consultation) said(text string) (told bool) {
	c.t.Helper()
	words := asr.Words(text)
	from := c.at
	c.at += float64(len(words)) / wordsPerSecond
	fmt.Fprintf(&c.text, "%5.1f  CANDIDATE  %s\n", from, text)
	dec := c.d.Hear(c.s, patient.Utterance{From: from, To: c.at, Best: [][]string{words}},
		patient.DefaultThresholds())
	if dec.Outcome != patient.Answer {
		fmt.Fprintf(&c.text, "       [%s]\n", dec.Outcome)
	}
	c.answer(dec)
	c.wait(2.5)
	return len(dec.Reveals) > 0
}

// wait lets nobody speak for a while, so that the patient may.
func (c *consultation) wait(seconds float64) {
	c.t.Helper()
	for end := c.at + seconds; c.at < end; c.at += 0.5 {
		if dec, ok := c.d.Wait(c.s, c.at); ok {
			c.answer(dec)
			return
		}
	}
}

// answer checks what the patient says, and writes it down.
func (c *consultation) answer(dec patient.Decision) {
	c.t.Helper()
	for _, id := range dec.Reveals {
		c.revealed = append(c.revealed, id)
		fmt.Fprintf(&c.text, "       [tells %s, layer %d]\n", id, c.known[id].Layer)
	}
	for _, l := range dec.Lines {
		if !c.speaks[l.Text] {
			c.t.Errorf("%q is not in the part", l.Text)
		}
		if l.Text == c.last && dec.Outcome != patient.Answer {
			c.t.Errorf("the patient says %q twice running", l.Text)
		}
		c.last = l.Text
		c.lines++
		fmt.Fprintf(&c.text, "%5.1f  PATIENT    %s (%s)\n", c.at, l.Text, l.Emotion)
		c.at += float64(len(asr.Words(l.Text))) / wordsPerSecond
	}
	c.s.SpokeAt = c.at
}

// play plays a consultation to its end.
func (c *consultation) play(s subject, who candidate) {
	c.t.Helper()
	for _, text := range who.begin {
		c.said(text)
	}
	tends, breaks := 0, 0
	for i, intent := range c.d.Document().Intents {
		if i%who.every != 0 ||
			len(who.acts) > 0 && !slices.Contains(who.acts, string(intent.Act)) {
			continue
		}
		told := c.says(s.paraphrase(intent.ID, i), intent.ID)
		if told && len(who.tends) > 0 {
			c.said(who.tends[tends%len(who.tends)])
			tends++
		}
		if len(who.breaks) > 0 && i%3 == 0 {
			c.said(who.breaks[breaks%len(who.breaks)])
			breaks++
		}
	}
	for _, text := range who.end {
		c.said(text)
	}
	for range 600 {
		if c.s.Closed {
			return
		}
		c.wait(1)
	}
	c.t.Error("the patient never closes the consultation")
}

// paraphrase returns the n-th paraphrase of an intent, counted round.
func (s subject) paraphrase(intent string, n int) string {
	var list []string
	for _, p := range s.paraphrases {
		if p.intent == intent {
			list = append(list, p.text)
		}
	}
	return list[n%len(list)]
}

// played lists the scenarios whose consultations are kept.
func played() []string {
	return []string{
		"dentistry-abscess-and-antibiotics", "dietetics-coeliac-at-work",
		"dietetics-diabetes-in-pregnancy", "medicine-chest-pain-going-home",
		"medicine-earache-antibiotics", "medicine-headache-scan", "medicine-iron-result-by-phone",
		"nursing-fall-in-the-night", "nursing-fever-before-a-wedding", "nursing-insulin-at-home",
	}
}

// TestConsultations plays thirty consultations and compares them with those in testdata, which
// UPDATE=1 writes again. What the patient tells must have been earned, and a better candidate is
// told more.
func TestConsultations(t *testing.T) {
	if testing.Short() {
		t.Skip("trains the matchers of ten scenarios: run make eval-patient")
	}
	list, _ := subjects(t)
	deep := map[string]int{} // facts that have to be earned, by candidate
	list = slices.DeleteFunc(list, func(s subject) bool {
		return !slices.Contains(played(), s.slug)
	})
	if len(list) != len(played()) {
		t.Errorf("%d of %d scenarios have paraphrases", len(list), len(played()))
	}
	for _, s := range list {
		d := s.dialogue(t, nil)
		for _, who := range candidates() {
			t.Run(s.slug+"/"+who.name, func(t *testing.T) {
				c := begin(t, d)
				c.play(s, who)
				for _, id := range c.revealed {
					if c.known[id].Layer > 1 {
						deep[who.name]++
					}
				}
				fmt.Fprintf(&c.text, "\ntold: %s\n", strings.Join(c.revealed, ", "))
				golden(t, filepath.Join("testdata", "consultations", s.slug+"-"+who.name+".txt"),
					c.text.String())
			})
		}
	}
	t.Logf("facts of layers 2 and 3: %v", deep)
	if deep["good"] <= deep["average"] || deep["average"] <= deep["poor"] {
		t.Errorf("facts that were earned: %v", deep)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("%s, line %d: %q; it was %q (UPDATE=1 accepts it)", name, i+1, a[i], b[i])
		}
	}
	t.Fatalf("%s: %d lines; there were %d (UPDATE=1 accepts it)", name, len(a), len(b))
}

// TestStress lets candidates do what no examination expects. The patient stays in role, tells
// nothing, and does not say the same again and again.
func TestStress(t *testing.T) {
	if testing.Short() {
		t.Skip("trains matchers: run make eval-patient")
	}
	list, _ := subjects(t)
	list = list[:min(3, len(list))]
	var dialogues []*patient.Dialogue
	for _, s := range list {
		dialogues = append(dialogues, s.dialogue(t, nil))
	}
	laugh := strings.Repeat("ha ha ha ", 4)
	for name, turns := range map[string][]string{
		"silence":  nil,
		"laughter": {laugh, laugh, laugh, laugh, laugh, laugh, laugh, laugh},
		"another language": {
			"wie komme ich bitte zum bahnhof", "das verstehe ich nicht", "können sie mir helfen",
			"où est la gare s'il vous plaît", "donde esta la biblioteca", "no entiendo nada",
		},
		"shouting": {
			"shut up shut up shut up", "no no no no no", "get out of here now", "stop stop stop",
			"damn it all", "shut up shut up shut up", "aah aah aah", "help help help",
		},
		"music": {"la la la la la", "oh baby baby yeah", "doo doo doo", "la la la la la"},
		"endless talk": {
			strings.Repeat("and the weather in the mountains was cold and the train was late ", 40),
			strings.Repeat("so then my cousin bought a new lawn mower and ", 60),
		},
		"noise": {"the", "a of", "huh", "the the", "it", "of a the", "uh", "mm"},
	} {
		for i, s := range list {
			t.Run(name+"/"+s.slug, func(t *testing.T) {
				c := begin(t, dialogues[i])
				for _, text := range turns {
					c.said(text)
				}
				for c.at < 400 && !c.s.Closed {
					c.wait(1)
				}
				if !c.s.Closed {
					t.Error("the consultation does not end")
				}
				for _, id := range c.revealed {
					if c.known[id].Layer > 1 {
						t.Errorf("the patient tells %s, which was not earned", id)
					}
				}
				// A line for each turn, the cues, silences and the close.
				doc := c.d.Document()
				if most := len(turns) + len(doc.Cues) + len(doc.Silence) + 1; c.lines > most {
					t.Errorf("the patient says %d lines; at most %d make sense", c.lines, most)
				}
				if testing.Verbose() {
					t.Log("\n" + c.text.String())
				}
			})
		}
	}
}
