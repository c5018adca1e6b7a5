package dsp_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFluencyOfLearners predicts the experts' scores of fluency from speech rate and phonation
// ratio only, with a regression (linear and square terms) over five folds that share no speaker.
// The correlation of scores and predictions is .63 over all of the data and .73 over adults. The
// limits allow for a small sample.
func TestFluencyOfLearners(t *testing.T) {
	t.Parallel()
	readers := learners(t, 10)
	var paths []string
	for _, u := range readers {
		paths = append(paths, u.path)
	}
	features := make([][]float64, len(readers))
	for i, x := range decode(t, paths...) {
		m := analyse(t, x).Measures
		if m.SpeechRateSyllPerS == nil {
			t.Errorf("%s: no speech found", readers[i].id)
			features[i] = []float64{0, 0}
			continue
		}
		features[i] = []float64{*m.SpeechRateSyllPerS, *m.PhonationTimeRatio}
	}
	for _, group := range []struct {
		name string
		in   func(utterance) bool
		want float64
	}{
		{"all", func(utterance) bool { return true }, 0.50},
		{"adults", func(u utterance) bool { return u.age >= 18 }, 0.60},
	} {
		var some []utterance
		var x [][]float64
		for i, u := range readers {
			if group.in(u) {
				some, x = append(some, u), append(x, features[i])
			}
		}
		r := crossValidated(some, x)
		t.Logf("%s: %d utterances, correlation with the experts' fluency %.3f", group.name,
			len(some), r)
		if r < group.want {
			t.Errorf("%s: correlation %.3f, want %.2f", group.name, r, group.want)
		}
	}
}

// crossValidated returns the correlation of the experts' scores with the predictions of
// regressions, each fitted to the speakers of the other folds.
func crossValidated(readers []utterance, x [][]float64) float64 {
	const folds = 5
	var speakers []string
	for _, u := range readers {
		speakers = append(speakers, u.speaker)
	}
	slices.Sort(speakers)
	speakers = slices.Compact(speakers)
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(speakers), func(i, k int) {
		speakers[i], speakers[k] = speakers[k], speakers[i]
	})
	fold := map[string]int{}
	for i, s := range speakers {
		fold[s] = i % folds
	}
	var predicted, truth []float64
	for f := range folds {
		var sums normal
		for i, u := range readers {
			if fold[u.speaker] != f {
				sums.add(terms(x[i]), u.fluency)
			}
		}
		weights := sums.solve()
		for i, u := range readers {
			if fold[u.speaker] == f {
				p := 0.0
				for k, term := range terms(x[i]) {
					p += weights[k] * term
				}
				predicted, truth = append(predicted, p), append(truth, u.fluency)
			}
		}
	}
	return correlation(predicted, truth)
}

func terms(x []float64) []float64 {
	out := []float64{1}
	for _, v := range x {
		out = append(out, v, v*v)
	}
	return out
}

// normal holds the normal equations of a least-squares fit, with the right side in the last
// column.
type normal struct{ rows [][]float64 }

func (n *normal) add(x []float64, y float64) {
	if n.rows == nil {
		for range x {
			n.rows = append(n.rows, make([]float64, len(x)+1))
		}
	}
	for i := range x {
		for k := range x {
			n.rows[i][k] += x[i] * x[k]
		}
		n.rows[i][len(x)] += x[i] * y
	}
}

func (n *normal) solve() []float64 {
	m := len(n.rows)
	for i := range m {
		pivot := i
		for k := i + 1; k < m; k++ {
			if math.Abs(n.rows[k][i]) > math.Abs(n.rows[pivot][i]) {
				pivot = k
			}
		}
		n.rows[i], n.rows[pivot] = n.rows[pivot], n.rows[i]
		for k := range m {
			if k == i {
				continue
			}
			factor := n.rows[k][i] / n.rows[i][i]
			for c := range n.rows[k] {
				n.rows[k][c] -= factor * n.rows[i][c]
			}
		}
	}
	out := make([]float64, m)
	for i := range m {
		out[i] = n.rows[i][m] / n.rows[i][i]
	}
	return out
}
