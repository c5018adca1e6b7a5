package patient

import (
	"cmp"
	"math"
	"slices"

	"bedside/speech/asr"
)

// Match is how likely an intent is what was meant, from 0 to 1.
type Match struct {
	Intent     string  `json:"intent"`
	Confidence float64 `json:"confidence"`
}

// Matcher finds the intent of an utterance. It combines three views: a linear classifier over
// words, letters and phones, how many telling words an example shares with the utterance (TF-IDF),
// and how alike they sound. It is read-only and safe for concurrent use.
type Matcher struct {
	intents  []string
	model    *linear
	examples []example
	rarity   map[string]float64 // inverse document frequency of words
	phones   func(string) []string
}

type example struct {
	intent int
	vector map[string]float64 // TF-IDF, of length 1
	sounds []string
}

// The weights of the three views in an intent's confidence, which is a logistic function of them.
const (
	confidenceBias = -4.2
	weightModel    = 0.55 // of the classifier's log odds
	weightWords    = 3.2  // of the cosine
	weightSound    = 4.0  // of the similarity
)

// NewMatcher trains a matcher on the intents' examples.
func NewMatcher(intents []Intent, phones func(string) []string) *Matcher {
	m := &Matcher{rarity: map[string]float64{}, phones: phones}
	var sentences [][]string
	var labels []int
	for i, intent := range intents {
		m.intents = append(m.intents, intent.ID)
		for _, text := range intent.Examples {
			sentences, labels = append(sentences, asr.Words(text)), append(labels, i)
		}
	}
	for _, words := range sentences {
		for _, w := range slices.Compact(slices.Sorted(slices.Values(words))) {
			m.rarity[w]++
		}
	}
	for w, n := range m.rarity {
		m.rarity[w] = math.Log(1 + float64(len(sentences))/n)
	}
	for i, words := range sentences {
		m.examples = append(m.examples,
			example{labels[i], m.vector(words), pronounce(words, phones)})
	}
	m.model = train(expand(sentences, labels, intents), len(intents), phones)
	return m
}

// vector returns the TF-IDF vector of words, of length 1. Words that no example has count as the
// rarest, so that an utterance full of them is like none.
func (m *Matcher) vector(words []string) map[string]float64 {
	v := map[string]float64{}
	unknown := math.Log(1 + float64(len(m.examples)+1))
	for _, w := range words {
		v[w] += cmp.Or(m.rarity[w], unknown)
	}
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	for w := range v {
		v[w] /= math.Sqrt(sum)
	}
	return v
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
	for i, id := range m.intents {
		list[i] = Match{id, confidence[i] / total}
	}
	slices.SortStableFunc(list, func(a, b Match) int {
		return cmp.Compare(b.Confidence, a.Confidence)
	})
	return list
}

func (m *Matcher) match(words []string) []float64 {
	odds := m.model.probabilities(features(words, m.phones))
	vector, sounds := m.vector(words), pronounce(words, m.phones)
	shared, alike := make([]float64, len(odds)), make([]float64, len(odds))
	for _, e := range m.examples {
		cosine := 0.0
		for w, x := range vector {
			cosine += x * e.vector[w]
		}
		shared[e.intent] = max(shared[e.intent], cosine)
		alike[e.intent] = max(alike[e.intent], similarity(sounds, e.sounds))
	}
	confidence := make([]float64, len(odds))
	for i, p := range odds {
		p = min(max(p, 1e-4), 1-1e-4)
		z := confidenceBias + weightModel*math.Log(p/(1-p)) + weightWords*shared[i] +
			weightSound*alike[i]
		confidence[i] = 1 / (1 + math.Exp(-z))
	}
	return confidence
}
