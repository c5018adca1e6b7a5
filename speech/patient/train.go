package patient

import (
	"math"
	"math/rand/v2"
	"slices"

	"bedside/speech/asr"
)

// sample is an utterance of which the intent is known.
type sample struct {
	words  []string
	intent int
}

// openers are words with which candidates begin.
func openers() map[bool][]string {
	return map[bool][]string{
		true: {
			"could i ask", "can you tell me", "so tell me", "and", "so", "okay", "may i ask",
			"i was wondering", "well", "i'd like to know", "all right", "could you tell me",
		},
		false: {
			"so", "okay", "well", "now", "right", "and", "you see", "the thing is", "you know",
		},
	}
}

// expand returns the examples, and variants of them: with an opener, and with words that were not
// recognised or recognised as others of the scenario. The variants are the same each time.
func expand(sentences [][]string, labels []int, intents []Intent) []sample {
	const variants = 8
	random := rand.New(rand.NewPCG(1, uint64(len(sentences))))
	vocabulary := slices.Compact(slices.Sorted(slices.Values(slices.Concat(sentences...))))
	before := openers()
	var all []sample
	for i, words := range sentences {
		all = append(all, sample{words, labels[i]})
		list := before[intents[labels[i]].Act.Asks()]
		for range variants {
			v := slices.Clone(words)
			if random.IntN(2) == 0 {
				v = append(asr.Words(list[random.IntN(len(list))]), v...)
			}
			all = append(all, sample{corrupt(v, vocabulary, random), labels[i]})
		}
	}
	return all
}

// corrupt drops one word in twelve, and replaces one in eight by another.
func corrupt(words, vocabulary []string, random *rand.Rand) []string {
	var kept []string
	for _, w := range words {
		switch x := random.Float64(); {
		case x < 1.0/12:
		case x < 1.0/12+1.0/8:
			kept = append(kept, vocabulary[random.IntN(len(vocabulary))])
		default:
			kept = append(kept, w)
		}
	}
	return kept
}

// linear is a multinomial logistic regression over hashed features.
type linear struct {
	classes int
	weights []float32 // by feature, then by class
}

const (
	epochs       = 12
	learningRate = 0.15
	decay        = 2e-5 // of the weights that a sample uses, at each step
)

// train fits the model by stochastic gradient descent with a rate for each weight (AdaGrad: Duchi
// et al. 2011). The result is the same each time.
func train(samples []sample, classes int, phones func(string) []string) *linear {
	m := &linear{classes, make([]float32, dimensions*classes)}
	squares := make([]float32, len(m.weights))
	active := make([][]uint32, len(samples))
	for i, s := range samples {
		active[i] = features(s.words, phones)
	}
	random := rand.New(rand.NewPCG(2, 3))
	for range epochs {
		for _, i := range random.Perm(len(samples)) {
			p := m.probabilities(active[i])
			p[samples[i].intent]--
			scale := 1 / math.Sqrt(float64(len(active[i])+1))
			for _, f := range active[i] {
				row := int(f) * classes
				for c, g := range p {
					w := &m.weights[row+c]
					gradient := float32(g*scale) + decay**w
					squares[row+c] += gradient * gradient
					*w -= learningRate * gradient /
						(float32(math.Sqrt(float64(squares[row+c]))) + 1e-6)
				}
			}
		}
	}
	return m
}

// probabilities returns the probability of each class.
func (m *linear) probabilities(active []uint32) []float64 {
	p := make([]float64, m.classes)
	scale := 1 / math.Sqrt(float64(len(active)+1))
	for _, f := range active {
		row := int(f) * m.classes
		for c := range p {
			p[c] += scale * float64(m.weights[row+c])
		}
	}
	highest, sum := slices.Max(p), 0.0
	for c := range p {
		p[c] = math.Exp(p[c] - highest)
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return p
}
