package acoustic

import "math"

const (
	// leastVariance keeps densities that saw next to nothing from becoming needles.
	leastVariance = 1e-4
	// negligible is how far below the best density, in nats, others are left out.
	negligible = 18
)

// Scorer computes how likely features are in the states of a model. It is immutable, so that
// several goroutines can use it; it does not see later changes of the model.
type Scorer struct {
	model    *Model
	inverse  []float32 // of twice the variances
	constant []float32 // of each density
	weight   [256]float32
}

// NewScorer returns a scorer of a model.
func NewScorer(m *Model) *Scorer {
	s := &Scorer{
		model: m, inverse: make([]float32, len(m.Variances)),
		constant: make([]float32, len(m.Variances)/Size),
	}
	for i := range s.constant {
		sum := 0.0
		for k, v := range m.Variances[i*Size:][:Size] {
			variance := max(float64(v), leastVariance)
			s.inverse[i*Size+k] = float32(0.5 / variance)
			sum -= 0.5 * math.Log(2*math.Pi*variance)
		}
		s.constant[i] = float32(sum)
	}
	for b := range s.weight {
		s.weight[b] = float32(Weight(uint8(b)))
	}
	return s
}

// Model returns the model that is scored.
func (s *Scorer) Model() *Model { return s.model }

// Density is a density that is not negligible, and its likelihood relative to the best one.
type Density struct {
	Index      int
	Likelihood float32
}

// Stream is what a codebook makes of a stream of a frame.
type Stream struct {
	Best      float64 // log-likelihood of the best density
	Densities []Density
}

// Frame evaluates a codebook.
func (s *Scorer) Frame(codebook int, f *Features) (streams [Streams]Stream) {
	var logs [Densities]float32
	for stream := range streams {
		x := (*[Size]float32)(f[stream*Size:])
		at := Gaussian(codebook, stream, 0)
		best := float32(math.Inf(-1))
		for k := range logs {
			mean := (*[Size]float32)(s.model.Means[at+k*Size:])
			inverse := (*[Size]float32)(s.inverse[at+k*Size:])
			sum := s.constant[at/Size+k]
			for i := range Size {
				d := x[i] - mean[i]
				sum -= d * d * inverse[i]
			}
			logs[k] = sum
			best = max(best, sum)
		}
		list := make([]Density, 0, 16)
		for k, v := range logs {
			if v > best-negligible {
				list = append(list, Density{k, float32(math.Exp(float64(v - best)))})
			}
		}
		streams[stream] = Stream{float64(best), list}
	}
	return streams
}

// Senone returns the log-likelihood of a frame in a senone of the codebook that was evaluated.
func (s *Scorer) Senone(senone int, streams *[Streams]Stream) float64 {
	total := 0.0
	for i := range streams {
		sum := float32(1e-30)
		for _, d := range streams[i].Densities {
			sum += d.Likelihood * s.Weight(i, d.Index, senone)
		}
		total += streams[i].Best + math.Log(float64(sum))
	}
	return total
}

// Weight returns the weight of a density in a senone.
func (s *Scorer) Weight(stream, density, senone int) float32 {
	return s.weight[s.model.Weights[s.model.WeightAt(stream, density, senone)]]
}
