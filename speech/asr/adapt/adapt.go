// Package adapt adapts an acoustic model to new speakers by maximum a posteriori (MAP) estimation
// of means, variances and mixture weights (Gauvain & Lee 1994), from recordings with transcripts.
//
// Each density remembers where the packaged model had it, as if it had been seen there a few
// times. What is rare in the recordings so stays as it was, and what is frequent moves to where it
// is heard. The weights matter most: they say which sounds a learner makes in place of others.
package adapt

import (
	"hash/fnv"
	"math"

	"bedside/speech/asr/acoustic"
)

// Config says how many frames of the recordings the packaged model counts for.
type Config struct {
	Means, Variances, Weights float64
}

// Defaults returns what served learners best who were not in the recordings.
func Defaults() Config { return Config{Means: 4, Variances: 15, Weights: 15} }

// Iterations are how often an adaptation is repeated, each with what the last one expects.
const Iterations = 3

// leastScore is the log-likelihood per frame, in nats, below which an alignment is taken for a
// wrong text.
const leastScore = -175

// Usable reports whether an alignment can be learned from.
func Usable(a acoustic.Alignment) bool { return a.Score >= leastScore }

// HeldOut reports whether the recordings of a speaker are for evaluation, and so are never learned
// from. Of speakers with numbers, every fifth is held out. Do not train on texts that a held-out
// speaker reads.
func HeldOut(speaker string) bool {
	n := 0
	for _, r := range speaker {
		if r < '0' || r > '9' {
			h := fnv.New32a()
			h.Write([]byte(speaker))
			return h.Sum32()%5 == 0
		}
		n = (n*10 + int(r-'0')) % 5
	}
	return n == 0
}

// Statistics are what was heard of each density: how often, and the sums of features and of their
// squares; and how often in which senone.
type Statistics struct {
	scorer       *acoustic.Scorer
	occupancy    []float64
	sum, squares []float64
	weights      []float64
	frames       int
	likelihood   float64
}

// NewStatistics returns empty statistics under the model of a scorer.
func NewStatistics(s *acoustic.Scorer) *Statistics {
	m := s.Model()
	return &Statistics{
		scorer: s, occupancy: make([]float64, len(m.Means)/acoustic.Size),
		sum: make([]float64, len(m.Means)), squares: make([]float64, len(m.Means)),
		weights: make([]float64, len(m.Weights)),
	}
}

// Likelihood returns the mean log-likelihood of the frames, in nats.
func (st *Statistics) Likelihood() float64 { return st.likelihood / max(1, float64(st.frames)) }

// Frames returns how many frames were added.
func (st *Statistics) Frames() int { return st.frames }

// Add adds an utterance whose frames are in known senones.
func (st *Statistics) Add(features []acoustic.Features, senones []int) {
	m := st.scorer.Model()
	for t, senone := range senones {
		codebook := m.Definition.Codebook(senone)
		streams := st.scorer.Frame(codebook, &features[t])
		for i, stream := range streams {
			x := features[t][i*acoustic.Size:][:acoustic.Size]
			total := 1e-30
			for _, d := range stream.Densities {
				total += float64(d.Likelihood * st.scorer.Weight(i, d.Index, senone))
			}
			for _, d := range stream.Densities {
				p := float64(d.Likelihood*st.scorer.Weight(i, d.Index, senone)) / total
				if p < 1e-6 {
					continue
				}
				at := acoustic.Gaussian(codebook, i, d.Index)
				st.occupancy[at/acoustic.Size] += p
				st.weights[m.WeightAt(i, d.Index, senone)] += p
				sum, squares := st.sum[at:][:len(x)], st.squares[at:][:len(x)]
				for k, v := range x {
					sum[k] += p * float64(v)
					squares[k] += p * float64(v) * float64(v)
				}
			}
			st.likelihood += stream.Best + math.Log(total)
		}
		st.frames++
	}
}

// Merge adds other statistics, which are under the same model.
func (st *Statistics) Merge(other *Statistics) {
	for _, pair := range [][2][]float64{
		{st.occupancy, other.occupancy}, {st.sum, other.sum}, {st.squares, other.squares},
		{st.weights, other.weights},
	} {
		for i, v := range pair[1] {
			pair[0][i] += v
		}
	}
	st.frames += other.frames
	st.likelihood += other.likelihood
}

// leastVariance is that of a density after an adaptation.
const leastVariance = 1e-3

// Update returns the model that statistics make of the packaged one. What they say nothing about
// stays as it is, bit for bit.
func Update(packaged *acoustic.Model, st *Statistics, cfg Config) *acoustic.Model {
	m := packaged.Clone()
	for density, n := range st.occupancy {
		if n == 0 {
			continue
		}
		for i := density * acoustic.Size; i < (density+1)*acoustic.Size; i++ {
			mean := (cfg.Means*float64(packaged.Means[i]) + st.sum[i]) / (cfg.Means + n)
			// The squares are about the new mean.
			squares := st.squares[i] - 2*mean*st.sum[i] + n*mean*mean
			variance := (cfg.Variances*float64(packaged.Variances[i]) + squares) /
				(cfg.Variances + n)
			m.Means[i], m.Variances[i] = float32(mean), float32(max(variance, leastVariance))
		}
	}
	for stream := range acoustic.Streams {
		for senone := range packaged.Definition.Senones() {
			updateWeights(m, packaged, st, cfg.Weights, stream, senone)
		}
	}
	return m
}

func updateWeights(m, packaged *acoustic.Model, st *Statistics, tau float64, stream, senone int) {
	var prior [acoustic.Densities]float64
	seen, total := 0.0, 0.0
	for k := range prior {
		at := packaged.WeightAt(stream, k, senone)
		prior[k] = acoustic.Weight(packaged.Weights[at])
		total += prior[k]
		seen += st.weights[at]
	}
	if seen == 0 {
		return
	}
	for k, p := range prior {
		at := packaged.WeightAt(stream, k, senone)
		m.Weights[at] = acoustic.EncodeWeight((tau*p/total + st.weights[at]) / (tau + seen))
	}
}

// Average returns the model half way between two, for speakers whom both fit about equally well.
func Average(a, b *acoustic.Model) *acoustic.Model {
	m := a.Clone()
	for i := range m.Means {
		m.Means[i] = (a.Means[i] + b.Means[i]) / 2
		m.Variances[i] = (a.Variances[i] + b.Variances[i]) / 2
	}
	for i := range m.Weights {
		m.Weights[i] = acoustic.EncodeWeight(
			(acoustic.Weight(a.Weights[i]) + acoustic.Weight(b.Weights[i])) / 2)
	}
	return m
}
