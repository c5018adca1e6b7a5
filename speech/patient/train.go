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
	const variants = 3
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

// input is what the classifier sees of an utterance: hashed features, each with its weight, and
// the utterance's place in the space of meanings.
type input struct {
	active []uint32
	scale  float32
	dense  []float32
}

// scaleOf returns the weight of each of some features, so that long utterances count no more.
func scaleOf(active []uint32) float32 { return float32(1 / math.Sqrt(float64(len(active)+1))) }

// linear is a multinomial logistic regression.
type linear struct {
	classes int
	weights []float32 // by feature, then by class; the dense ones come last
}

const (
	epochs       = 8
	learningRate = 0.2
	decay        = 1e-5 // of the weights that a sample uses, at each step
	denseWeight  = 1.0
)

// train fits the model by stochastic gradient descent with a rate for each feature (after AdaGrad:
// Duchi et al. 2011). The result is the same each time.
func train(inputs []input, labels []int, classes int) *linear {
	dense := len(inputs[0].dense)
	m := &linear{classes, make([]float32, (dimensions+dense)*classes)}
	squares := make([]float32, dimensions+dense)
	random := rand.New(rand.NewPCG(2, 3))
	p := make([]float32, classes)
	step := func(f int, value float32) {
		row := m.weights[f*classes:][:classes]
		sum := float32(0)
		for _, g := range p {
			sum += g * g
		}
		squares[f] += sum * value * value
		rate := learningRate / (float32(math.Sqrt(float64(squares[f]))) + 1e-6)
		for c, g := range p {
			row[c] -= rate * (g*value + decay*row[c])
		}
	}
	for range epochs {
		for _, i := range random.Perm(len(inputs)) {
			in := &inputs[i]
			m.probabilities(in, p)
			p[labels[i]]--
			for _, f := range in.active {
				step(int(f), in.scale)
			}
			for d, value := range in.dense {
				step(dimensions+d, value)
			}
		}
	}
	return m
}

// probabilities writes the probability of each class to p.
func (m *linear) probabilities(in *input, p []float32) {
	clear(p)
	for _, f := range in.active {
		for c, w := range m.weights[int(f)*m.classes:][:m.classes] {
			p[c] += in.scale * w
		}
	}
	for d, value := range in.dense {
		for c, w := range m.weights[(dimensions+d)*m.classes:][:m.classes] {
			p[c] += value * w
		}
	}
	highest, sum := slices.Max(p), float32(0)
	for c := range p {
		p[c] = float32(math.Exp(float64(p[c] - highest)))
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
}
