package patient

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"bedside/store"
	"bedside/store/scenario"

	"go.yaml.in/yaml/v4"
)

// Dialogue is a scenario's dialogue, ready to be played. It is read-only and safe for concurrent
// use: what changes in a conversation is in a State.
type Dialogue struct {
	doc     Document
	intents map[string]*Intent
	matcher *Matcher
	facts   []fact
	beats   []beat
	cues    []cue
}

type fact struct {
	Fact
	need condition
}

type beat struct {
	Beat
	when condition
}

type cue struct {
	Cue
	unless condition
}

// Line is something that the patient says.
type Line struct {
	ID      string  `json:"id"` // the same for the same text and emotion
	Text    string  `json:"text"`
	Emotion Emotion `json:"emotion"`
	Media   string  `json:"media,omitempty"` // the recording of it, if there is one
	// Improvised says that the line is no line of the script, but was worded for this
	// conversation. It may repeat what was said, so no copy of it is kept.
	Improvised bool `json:"improvised,omitempty"`
}

func newLine(text string, e Emotion) Line {
	h := fnv.New64a()
	h.Write([]byte(string(e) + "\n" + text))
	return Line{ID: fmt.Sprintf("%016x", h.Sum64()), Text: text, Emotion: e}
}

// New returns the dialogue of a scenario, and trains what recognises its intents. phones returns
// the pronunciation of a word, or nil; without phones, words are compared by their spelling. New
// returns store.ErrInvalid, joined with every reason, when the dialogue cannot be played, and
// store.ErrNotFound for a scenario without one.
func New(s store.Scenario, phones func(word string) []string) (*Dialogue, error) {
	if len(s.Dialogue) == 0 {
		return nil, fmt.Errorf("scenario %s has no dialogue: %w", s.Slug, store.ErrNotFound)
	}
	doc, err := parse(s.Dialogue)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Slug, err)
	}
	d := &Dialogue{doc: doc, intents: map[string]*Intent{}}
	err = errors.Join(d.addMoves(), d.addIntents(doc.Intents), d.link(), d.checkSize())
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Slug, err)
	}
	if phones == nil {
		phones = func(string) []string { return nil }
	}
	d.matcher = NewMatcher(d.sorted(), phones)
	return d, nil
}

// addMoves adds the shared moves that the dialogue uses.
func (d *Dialogue) addMoves() error {
	var moves struct {
		Intents []Intent                  `json:"intents"`
		Effects map[string]map[string]int `json:"effects"`
		Say     map[string]string         `json:"say"`
	}
	for _, name := range d.doc.Use {
		data, err := scenario.Moves(name)
		if err != nil {
			return invalid("use: %v", err)
		}
		if err := fromYAML(data, &moves); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	effects := moves.Effects
	if effects == nil {
		effects = map[string]map[string]int{}
	}
	maps.Copy(effects, d.doc.Effects)
	d.doc.Effects = effects
	say := maps.Clone(moves.Say)
	if say == nil {
		say = map[string]string{}
	}
	maps.Copy(say, d.doc.Say)
	d.doc.Say = say
	for i := range moves.Intents {
		moves.Intents[i].shared = true
	}
	return d.addIntents(moves.Intents)
}

// fromYAML decodes YAML by the JSON names of fields.
func fromYAML(data []byte, to any) error {
	var document any
	if err := yaml.Unmarshal(data, &document); err != nil {
		return err
	}
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

func (d *Dialogue) addIntents(list []Intent) error {
	var errs []error
	for _, i := range list {
		if d.intents[i.ID] != nil {
			errs = append(errs, invalid("there are two intents %q", i.ID))
		}
		if !slices.Contains(Acts(), i.Act) {
			errs = append(errs, invalid("intent %s: act %q is not one of %v", i.ID, i.Act, Acts()))
		}
		if len(i.Examples) == 0 {
			errs = append(errs, invalid("intent %s has no examples", i.ID))
		}
		d.intents[i.ID] = &i
	}
	return errors.Join(errs...)
}

// link parses the conditions and checks that every name exists.
func (d *Dialogue) link() error {
	var errs []error
	intent := func(where, id string) {
		if d.intents[id] == nil {
			errs = append(errs, invalid("%s: there is no intent %q", where, id))
		}
	}
	for _, f := range d.doc.Facts {
		need, err := parseCondition(f.Need)
		errs = append(errs, err)
		for _, on := range f.On {
			intent("fact "+f.ID, on)
		}
		d.facts = append(d.facts, fact{f, need})
	}
	for _, b := range d.doc.Beats {
		when, err := parseCondition(b.If)
		errs = append(errs, err)
		intent("beat", b.On)
		d.beats = append(d.beats, beat{b, when})
	}
	// The most specific condition wins.
	slices.SortStableFunc(d.beats, func(a, b beat) int { return len(b.when) - len(a.when) })
	for _, c := range d.doc.Cues {
		unless, err := parseCondition(c.Unless)
		errs = append(errs, err)
		if c.Opens != "" {
			intent("cue "+c.ID, c.Opens)
		}
		d.cues = append(d.cues, cue{c, unless})
	}
	if len(d.doc.Repair) < 2 {
		errs = append(errs,
			invalid("repair: two lines are needed, since the same is never said twice running"))
	}
	return errors.Join(errs...)
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", store.ErrInvalid, fmt.Sprintf(format, args...))
}

func (d *Dialogue) sorted() []Intent {
	var list []Intent
	for _, id := range slices.Sorted(maps.Keys(d.intents)) {
		list = append(list, *d.intents[id])
	}
	return list
}

// Begin returns the state at the beginning of a conversation.
func (d *Dialogue) Begin() *State {
	s := &State{
		Gauges: map[string]int{}, Asked: map[string]int{}, Known: map[string]bool{},
		Dropped: map[string]bool{}, Used: map[string]int{},
	}
	for name, g := range d.doc.State {
		s.Gauges[name] = g.Start
	}
	return s
}

// Document returns the dialogue as its author wrote it. The caller must not change it.
func (d *Dialogue) Document() Document { return d.doc }

// Match returns every intent with its confidence, the likeliest first.
func (d *Dialogue) Match(u Utterance) []Match {
	matches := d.matcher.Match(u.Best)
	if u.Sure > 0 && u.Sure < sureWords {
		for i := range matches {
			matches[i].Confidence *= u.Sure / sureWords
		}
	}
	return matches
}

// sureWords is the mean confidence of pocketsphinx in words that are mostly right. Below, what was
// understood is as doubtful as the words. It was fitted with the thresholds, on spoken paraphrases
// in quiet and in noise.
const sureWords = 0.75

// Texts returns the sentences that the candidate is likely to say, for the recogniser.
func (d *Dialogue) Texts() []string {
	var texts []string
	for _, i := range d.sorted() {
		texts = append(texts, i.Examples...)
	}
	return texts
}

// Facts returns what the patient tells of the facts that the candidate was told, and of those that
// are still hidden.
func (d *Dialogue) Facts(s *State) (known, hidden []string) {
	for _, f := range d.facts {
		if s.Known[f.ID] {
			known = append(known, f.Say)
		} else {
			hidden = append(hidden, f.Say)
		}
	}
	return known, hidden
}

// Told returns what the patient tells of facts.
func (d *Dialogue) Told(ids []string) []string {
	var told []string
	for _, f := range d.facts {
		if slices.Contains(ids, f.ID) {
			told = append(told, f.Say)
		}
	}
	return told
}

// Persona returns who speaks.
func (d *Dialogue) Persona() Persona { return d.doc.Patient }

// Say returns the pronunciations that the author gave.
func (d *Dialogue) Say() map[string]string { return d.doc.Say }

// addRecordings names the recordings of lines that have one.
func (d *Dialogue) addRecordings(lines []Line) {
	for i := range lines {
		l := &lines[i]
		for _, r := range d.doc.Recordings {
			if r.Say == l.Text && (r.Emotion == l.Emotion || r.Emotion == "" && l.Media == "") {
				l.Media = r.Media
			}
		}
	}
}

// Lines returns every line that the patient may say, in every emotion in which it may be said, so
// that they can be rendered beforehand. Those of the mood at the beginning come first.
func (d *Dialogue) Lines() []Line {
	lines := map[string]Line{}
	add := func(emotion Emotion, texts ...string) {
		emotions := []Emotion{emotion}
		if emotion == "" {
			emotions = []Emotion{Neutral, Anxious, Annoyed, Warm}
		}
		for _, text := range texts {
			for _, e := range emotions {
				if l := newLine(text, e); strings.TrimSpace(text) != "" {
					lines[l.ID] = l
				}
			}
		}
	}
	for _, f := range d.facts {
		add(Emotion(f.Emotion), f.Say)
		add("", f.Else)
	}
	for _, i := range d.intents {
		add("", i.Say...)
		add("", i.Confirm)
	}
	for _, b := range d.beats {
		add("", b.Say)
	}
	for _, c := range d.cues {
		add("", c.Say)
	}
	for _, s := range d.doc.Silence {
		add("", s.Say)
	}
	add("", d.doc.Repair...)
	add("", helpLine, d.doc.Close.Say)
	list := slices.Collect(maps.Values(lines))
	mood := d.Begin().Emotion()
	slices.SortFunc(list, func(a, b Line) int {
		if (a.Emotion == mood) != (b.Emotion == mood) {
			return map[bool]int{true: -1, false: 1}[a.Emotion == mood]
		}
		return cmp.Compare(a.ID, b.ID)
	})
	d.addRecordings(list)
	return list
}
