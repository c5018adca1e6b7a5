package dsp

import "math"

// The costs of Boersma (1993), with Praat's default values for a step of 10 ms.
const (
	silenceThreshold   = 0.03
	voicingThreshold   = 0.45
	octaveCost         = 0.01
	octaveJumpCost     = 0.35
	voicedUnvoicedCost = 0.14
)

// path returns F0 of each frame, 0 where it is unvoiced. For each frame it chooses one candidate
// between floor and ceiling, or none, such that the sum of their strengths less the costs of jumps
// is largest (Viterbi). peaks are the frames' largest samples, which are compared with reference.
func path(c *candidates, peaks []float32, reference, floor, ceiling float64) []float32 {
	n := len(c.ends)
	f0 := make([]float32, n)
	type state struct {
		score, octave float64 // octave: log2 of F0
		hz            float32
	}
	// State 0 is unvoiced.
	before, now := make([]state, 1, 1+candidatesPerFrame), make([]state, 0, 1+candidatesPerFrame)
	// from holds the best predecessor of each state.
	from := make([][1 + candidatesPerFrame]uint8, n)
	// states holds F0 of each state.
	states := make([][1 + candidatesPerFrame]float32, n)
	for i := range n {
		now = append(now[:0], state{score: unvoicedStrength(float64(peaks[i]), reference)})
		for _, k := range c.frame(i) {
			if hz := float64(k.hz); hz >= floor && hz <= ceiling {
				octave := math.Log2(hz)
				now = append(now, state{
					float64(k.strength) + octaveCost*(octave-math.Log2(floor)), octave, k.hz,
				})
			}
		}
		for s := range now {
			best, at := math.Inf(-1), 0
			for p := range before {
				score := before[p].score
				switch {
				case s == 0 && p == 0:
				case s == 0 || p == 0:
					score -= voicedUnvoicedCost
				default:
					score -= octaveJumpCost * math.Abs(now[s].octave-before[p].octave)
				}
				if score > best {
					best, at = score, p
				}
			}
			now[s].score += best
			from[i][s], states[i][s] = uint8(at), now[s].hz
		}
		before, now = now, before
	}
	at := uint8(0)
	for s := range before {
		if before[s].score > before[at].score {
			at = uint8(s)
		}
	}
	for i := n - 1; i >= 0; i-- {
		f0[i] = states[i][at]
		at = from[i][at]
	}
	return f0
}

// unvoicedStrength returns the strength of the candidate "unvoiced". It exceeds that of every
// voiced candidate in frames that are silent compared with the reference.
func unvoicedStrength(peak, reference float64) float64 {
	if reference <= 0 {
		return voicingThreshold + 2
	}
	return voicingThreshold + max(0, 2-peak/reference*(1+voicingThreshold)/silenceThreshold)
}

// speakerRange returns the range of F0 for the second pass, derived from F0 of the first pass
// (Hirst 2011; De Looze and Rauzy 2009).
func speakerRange(f0 []float64) (floor, ceiling float64) {
	const enough = 20 // frames
	if len(f0) < enough {
		return widestFloor, widestCeiling
	}
	floor = min(max(widestFloor, 0.75*quantile(f0, 0.25)), widestCeiling/2)
	ceiling = min(max(2*floor, 1.5*quantile(f0, 0.75)), widestCeiling)
	return floor, ceiling
}
