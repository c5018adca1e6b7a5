package dsp

import "math"

// The widest range of F0, and the limits for candidates (Boersma 1993).
const (
	widestFloor   = 65 // Hz
	widestCeiling = 600

	candidatesPerFrame = 8
	weakestCandidate   = voicingThreshold / 2 // least autocorrelation of a candidate

	sincHalf  = 12 // samples on each side that refine a maximum of the autocorrelation
	sincSteps = 4  // interpolated positions per sample
)

// candidate is a maximum of one frame's autocorrelation, and so a possible F0.
type candidate struct {
	hz       float32
	strength float32 // how periodic the frame is at hz, from 0 to 1
}

// candidates holds the candidates of consecutive frames. Those of frame i are
// all[ends[i-1]:ends[i]], from the highest F0 to the lowest.
type candidates struct {
	all  []candidate
	ends []uint32
}

func (c *candidates) frame(i int) []candidate {
	from := uint32(0)
	if i > 0 {
		from = c.ends[i-1]
	}
	return c.all[from:c.ends[i]]
}

// bank finds the candidates of frames with a window of a given length. A low voice needs a long
// window. A high voice needs a short one: a long window blurs its movement, and the voice then
// appears unvoiced. Frames are processed in pairs, since one transform handles two.
type bank struct {
	half   int       // half the window in samples
	minLag int       // lag of the highest F0
	maxLag int       // lag of the lowest F0
	window []float64 // Hann
	// scale is the inverse autocorrelation of the window at each lag, which undoes the window's
	// effect.
	scale []float64
	fft   *transform
	// sinc holds the filter taps for r between two samples, from sincHalf-1 samples before to
	// sincHalf after.
	sinc  [sincSteps][]float64
	x, y  []float64 // the pair of frames in process
	r     []float64 // normalised autocorrelation; that of a lag is r[sincHalf+lag]
	found candidates
}

// newBank returns a bank whose window holds three periods of windowFloor, for F0 from floor to
// widestCeiling.
func newBank(windowFloor, floor float64, size int) *bank {
	b := &bank{
		half:   int(1.5 * SampleRate / windowFloor),
		minLag: SampleRate/widestCeiling - 1,
		maxLag: int(SampleRate/floor) + 1,
		fft:    newTransform(size),
		x:      make([]float64, size),
		y:      make([]float64, size),
	}
	for k := range 2 * b.half {
		b.window = append(b.window, 0.5-0.5*math.Cos(math.Pi*(float64(k)+0.5)/float64(b.half)))
	}
	b.r = make([]float64, b.maxLag+1+2*sincHalf+1)
	zero := 0.0
	for lag := range len(b.r) - sincHalf {
		sum := 0.0
		for k := range len(b.window) - lag {
			sum += b.window[k] * b.window[k+lag]
		}
		if lag == 0 {
			zero = sum
		}
		b.scale = append(b.scale, zero/sum)
	}
	for s := range b.sinc {
		b.sinc[s] = make([]float64, 2*sincHalf)
		for k := range b.sinc[s] {
			// d is the distance from the interpolated position to the sample.
			d := float64(k-(sincHalf-1)) - float64(s)/sincSteps
			v := 1.0
			if d != 0 {
				v = math.Sin(math.Pi*d) / (math.Pi * d)
			}
			b.sinc[s][k] = v * (0.5 + 0.5*math.Cos(math.Pi*d/sincHalf))
		}
	}
	return b
}

// addPair finds the candidates of two consecutive frames, or of the last one if count is 1. Each
// is a window of samples less their mean, or nil for digital silence.
func (b *bank) addPair(first, second []float64, count int) {
	if first != nil || second != nil {
		b.load(b.x, first)
		b.load(b.y, second)
		b.fft.autocorrelate(b.x, b.y)
	}
	b.addCandidates(b.x, first != nil)
	if count == 2 {
		b.addCandidates(b.y, second != nil)
	}
}

func (b *bank) load(dst, frame []float64) {
	if frame == nil {
		clear(dst)
		return
	}
	// Both frames are scaled to about full scale, so that the rounding errors of a loud frame do
	// not leak into a quiet one.
	peak := 0.0
	for _, v := range frame {
		peak = max(peak, math.Abs(v))
	}
	gain := 1 / peak
	for k, w := range b.window {
		dst[k] = frame[k] * w * gain
	}
	clear(dst[len(b.window):])
}

// addCandidates appends the candidates of one frame, whose autocorrelation is ac.
func (b *bank) addCandidates(ac []float64, sounding bool) {
	if sounding && ac[0] > 0 {
		norm := 1 / ac[0]
		for lag, s := range b.scale {
			b.r[sincHalf+lag] = ac[lag] * s * norm
		}
		for lag := 1; lag <= sincHalf; lag++ {
			b.r[sincHalf-lag] = b.r[sincHalf+lag]
		}
		b.maxima()
	}
	b.found.ends = append(b.found.ends, uint32(len(b.found.all)))
}

// maxima appends the strongest maxima of r as candidates.
func (b *bank) maxima() {
	from := len(b.found.all)
	r := b.r[sincHalf:]
	for lag := b.minLag; lag <= b.maxLag; lag++ {
		if r[lag] < weakestCandidate || r[lag] <= r[lag-1] || r[lag] < r[lag+1] {
			continue
		}
		at, strength := b.refine(lag)
		if strength > 1 {
			strength = 1 / strength // an artefact of the interpolation at very short periods
		}
		c := candidate{hz: float32(SampleRate / at), strength: float32(strength)}
		if len(b.found.all)-from == candidatesPerFrame {
			weakest := from
			for i := from + 1; i < len(b.found.all); i++ {
				if b.found.all[i].strength < b.found.all[weakest].strength {
					weakest = i
				}
			}
			if c.strength <= b.found.all[weakest].strength {
				continue
			}
			b.found.all = append(b.found.all[:weakest], b.found.all[weakest+1:]...)
		}
		b.found.all = append(b.found.all, c)
	}
}

// refine returns the position and height of the maximum next to a lag. A parabola estimates the
// position; three points of the band-limited autocorrelation around it make it exact.
func (b *bank) refine(lag int) (at, height float64) {
	r := b.r[sincHalf+lag-1:]
	step := int(math.Round(sincSteps * vertex(r[0], r[1], r[2])))
	best := float64(step)
	y0, y1, y2 := b.interpolate(lag, step-1), b.interpolate(lag, step), b.interpolate(lag, step+1)
	d := vertex(y0, y1, y2)
	return float64(lag) + (best+d)/sincSteps, y1 - 0.25*(y0-y2)*d
}

// vertex returns the position of the maximum of the parabola through three equidistant points,
// relative to the middle one and at most one step from it.
func vertex(y0, y1, y2 float64) float64 {
	curve := y0 - 2*y1 + y2
	if curve >= 0 {
		return 0
	}
	return min(1, max(-1, 0.5*(y0-y2)/curve))
}

// interpolate returns the autocorrelation at lag + step/sincSteps.
func (b *bank) interpolate(lag, step int) float64 {
	whole := int(math.Floor(float64(step) / sincSteps))
	taps := b.sinc[step-whole*sincSteps]
	r := b.r[lag+whole+1:][:len(taps)]
	sum := 0.0
	for k, tap := range taps {
		sum += tap * r[k]
	}
	return sum
}
