package patient

import (
	"cmp"
	"math"
	"slices"

	"bedside/speech/asr"
	"bedside/speech/patient/vectors"
)

// Match is how likely an intent is what was meant, from 0 to 1.
type Match struct {
	Intent     string  `json:"intent"`
	Confidence float64 `json:"confidence"`
}

// A Matcher looks at an utterance in several ways, and adds what each says about an intent.
const (
	viewModel   = iota // log probability by a linear classifier over all features
	viewWords          // cosine with the example that shares the most telling words
	viewLetters        // the same for sequences of letters
	viewNear           // the mean over the three examples that share most letters
	viewSound          // how alike the closest examples sound
	viewMeaning        // cosine with the example whose words are used most alike
	viewAct            // log probability that such words are a question, an explanation, ...
	viewOwn            // 1 for intents of the scenario itself, 0 for shared moves
	views
)

// weights returns what each view counts, as fitted on the paraphrases of the scenarios that
// package evaluation lists as such. That of the scenario's own intents was set by hand.
func weights() [views]float64 {
	return [views]float64{
		viewModel: 1.26, viewWords: 3.84, viewLetters: 1.5, viewNear: -3.46, viewSound: 1.57,
		viewMeaning: 6.43, viewAct: 0.82, viewOwn: 0.8,
	}
}

// Matcher finds the intent of an utterance. It is read-only and safe for concurrent use.
type Matcher struct {
	intents  []Intent
	phones   func(string) []string
	table    map[string]sound
	meanings *vectors.Table
	acts     *acts
	model    *linear

	labels  []int // of the examples: indexes of intents
	words   *index
	letters *index
	sounds  [][]sound
	meaning [][]float32
}

// NewMatcher trains a matcher on the intents' examples.
func NewMatcher(intents []Intent, phones func(string) []string) *Matcher {
	m := &Matcher{
		intents: intents, phones: phones, table: soundTable(), meanings: vectors.Load(),
		acts: loadActs(),
	}
	var sentences [][]string
	for i, intent := range intents {
		for _, text := range intent.Examples {
			sentences, m.labels = append(sentences, asr.Words(text)), append(m.labels, i)
		}
	}
	var words, letters [][]uint32
	for _, s := range sentences {
		u := m.look(s)
		words, letters = append(words, u.features.words), append(letters, u.features.letters)
		m.sounds = append(m.sounds, u.sounds)
		m.meaning = append(m.meaning, u.meaning)
	}
	m.words, m.letters = newIndex(words), newIndex(letters)
	var inputs []input
	var labels []int
	for _, s := range expand(sentences, m.labels, intents) {
		u := m.look(s.words)
		inputs, labels = append(inputs, u.input()), append(labels, s.intent)
	}
	if len(inputs) > 0 {
		m.model = train(inputs, labels, len(intents))
	}
	return m
}

// utterance is what the views see of words.
type utterance struct {
	words    []string
	features features
	sounds   []sound
	meaning  []float32
}

func (m *Matcher) look(words []string) utterance {
	phones := pronounce(words, m.phones)
	return utterance{words, newFeatures(words, phones), toSounds(m.table, phones),
		m.meanings.Sentence(words)}
}

func (u utterance) input() input {
	active := slices.Concat(u.features.words, u.features.letters, u.features.sounds)
	dense := make([]float32, len(u.meaning))
	for i, x := range u.meaning {
		dense[i] = denseWeight * x
	}
	return input{active, scaleOf(active), dense}
}

// Match returns every intent with its confidence, the likeliest first. Later hypotheses count
// less.
func (m *Matcher) Match(hypotheses [][]string) []Match {
	confidence := make([]float64, len(m.intents))
	total := 0.0
	for rank, words := range hypotheses {
		if len(words) == 0 {
			continue
		}
		weight := 1 / float64(rank+1)
		total += weight
		for i, c := range m.match(words) {
			confidence[i] += weight * c
		}
	}
	if total == 0 {
		return nil
	}
	list := make([]Match, len(m.intents))
	for i, intent := range m.intents {
		list[i] = Match{intent.ID, confidence[i] / total}
	}
	slices.SortStableFunc(list, func(a, b Match) int {
		return cmp.Compare(b.Confidence, a.Confidence)
	})
	return list
}

// match returns the confidence of each intent: its share of the likelihood, by how familiar the
// utterance is at all.
func (m *Matcher) match(words []string) []float64 {
	scores := m.scores(words)
	weight := weights()
	confidence := make([]float64, len(scores))
	highest, best := math.Inf(-1), 0
	for i, s := range scores {
		for v, x := range s {
			confidence[i] += weight[v] * x
		}
		if confidence[i] > highest {
			highest, best = confidence[i], i
		}
	}
	sum := 0.0
	for i, z := range confidence {
		confidence[i] = math.Exp(z - highest)
		sum += confidence[i]
	}
	scale := familiar(scores[best]) / sum
	for i := range confidence {
		confidence[i] *= scale
	}
	return confidence
}

// familiar returns the probability that an utterance has a place in the scenario, from the scores
// of its likeliest intent. It was fitted with sentences that have none.
func familiar(s [views]float64) float64 {
	z := -13.3 + 3.8*s[viewWords] + 7.2*s[viewLetters] + 13.8*s[viewMeaning]
	return 1 / (1 + math.Exp(-z))
}

// closest is how many examples are compared by their sound, which is slow.
const closest = 24

// scores returns what each view says about each intent.
func (m *Matcher) scores(words []string) [][views]float64 {
	u := m.look(words)
	p := make([]float32, len(m.intents))
	in := u.input()
	m.model.probabilities(&in, p)
	acts := m.acts.probabilities(words)
	s := make([][views]float64, len(m.intents))
	for i, intent := range m.intents {
		s[i][viewModel] = math.Log(max(float64(p[i]), 1e-9))
		s[i][viewAct] = math.Log(max(acts[intent.Act], 1e-4))
		if !intent.shared {
			s[i][viewOwn] = 1
		}
	}
	raise := func(view, example int, x float64) {
		s[m.labels[example]][view] = max(s[m.labels[example]][view], x)
	}
	for i, x := range m.words.cosines(u.features.words) {
		raise(viewWords, i, x)
	}
	near := make([][3]float64, len(s)) // the highest three
	letters := m.letters.cosines(u.features.letters)
	for i, x := range letters {
		raise(viewLetters, i, x)
		top := &near[m.labels[i]]
		switch {
		case x > top[0]:
			top[0], top[1], top[2] = x, top[0], top[1]
		case x > top[1]:
			top[1], top[2] = x, top[1]
		case x > top[2]:
			top[2] = x
		}
	}
	for i, top := range near {
		s[i][viewNear] = (top[0] + top[1] + top[2]) / 3
	}
	for _, i := range highest(letters, closest) {
		raise(viewSound, i, alike(u.sounds, m.sounds[i]))
	}
	for i, v := range m.meaning {
		dot := float32(0)
		for d, x := range v {
			dot += x * u.meaning[d]
		}
		raise(viewMeaning, i, float64(dot))
	}
	return s
}

// highest returns the indexes of the n highest values.
func highest(values []float64, n int) []int {
	list := make([]int, len(values))
	for i := range list {
		list[i] = i
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
	return list[:min(n, len(list))]
}
