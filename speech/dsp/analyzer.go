package dsp

import (
	"fmt"
	"math"
)

// Analyzer takes the samples of one voice as they come and gives a Result at the end, the same to
// the last bit however they were cut up. It belongs to one goroutine and holds no resource: it
// may be dropped at any time. It keeps about half a MB for each minute of audio.
type Analyzer struct {
	total int // samples taken

	// the last samples, of which frames not yet measured need some; zeros stand before the first
	recent      []float64
	recentFrom  int     // the number of the first of them
	blocks      []power // likewise
	blocksFrom  int
	block       power    // being filled
	rumble      highPass // what passes is above rumble and hum
	vowels      highPass // what passes is above vowels: sibilants and bursts
	peaks       []float32
	peak        float32 // being filled
	meter       *meter
	long, short *bank        // for low voices, and the first look at any voice; for high voices
	scratch     [2][]float64 // a pair of frames

	frames frames
}

// frames is what is kept of each frame of 10 ms until the end.
type frames struct {
	maxima    []float32 // largest absolute sample about the centre, less the mean
	intensity []float32 // dB, the smooth contour that is reported
	level     []float32 // dB, quick and without rumble
	sibilance []float32 // dB, likewise and without vowels
}

// The windows of the two banks hold three periods of these.
const (
	longFloor  = widestFloor
	shortFloor = 130.0
	// the lowest F0 that the short window still shows: 2.65 periods
	shortest = 115.0
	// samples before and after a frame's centre that no window exceeds
	margin = 1024
	// samples either side of the centre: half a period of the lowest F0 in all
	nearby    = SampleRate / (4 * widestFloor)
	inaudible = 1e-6 // -120 dB re full scale
)

// NewAnalyzer gives an analyzer that has heard nothing.
func NewAnalyzer() *Analyzer {
	a := &Analyzer{
		recent: make([]float64, margin, 4*margin), recentFrom: -margin,
		blocks: make([]power, intensityHalf, 4*intensityHalf), blocksFrom: -intensityHalf,
		rumble: newHighPass(100),
		vowels: newHighPass(3000),
		meter:  newMeter(),
		long:   newBank(longFloor, widestFloor, 1024),
		short:  newBank(shortFloor, shortest, 512),
	}
	for i := range a.scratch {
		a.scratch[i] = make([]float64, 2*a.long.half)
	}
	return a
}

// Write takes the samples that follow. It keeps none of the slice. A slice that holds a sample
// that is not audio (ErrSample), or that would go beyond MaxSeconds (ErrTooLong), is refused as a
// whole, and what was taken before stands.
func (a *Analyzer) Write(samples []float32) error {
	if len(samples) > MaxSeconds*SampleRate-a.total {
		return ErrTooLong
	}
	for i, x := range samples {
		if !(x >= -MaxSample && x <= MaxSample) { // a NaN is neither
			return fmt.Errorf("sample %d is %v: %w", a.total+i, x, ErrSample)
		}
	}
	for len(samples) > 0 {
		n := min(len(samples), margin)
		a.take(samples[:n])
		samples = samples[n:]
	}
	return nil
}

// take appends at most margin samples and measures the frames that they complete.
func (a *Analyzer) take(samples []float32) {
	for _, s := range samples {
		x := float64(s)
		low, high := a.rumble.next(x), a.vowels.next(x)
		a.block.n++
		a.block.sum += x
		a.block.squares += x * x
		a.block.low += low * low
		a.block.high += high * high
		if a.block.n == block {
			a.blocks = append(a.blocks, a.block)
			a.block = power{}
			a.rumble.settle()
			a.vowels.settle()
		}
		a.peak = max(a.peak, s, -s)
		a.recent = append(a.recent, x)
		if a.total++; a.total%peakSize == 0 {
			a.peaks = append(a.peaks, a.peak)
			a.peak = 0
		}
	}
	for centre(len(a.frames.maxima)+1)+a.long.half <= a.total {
		a.measurePair(2)
	}
	for block*(blockAt(len(a.frames.level))+intensityHalf) <= a.total {
		a.measureLevel()
	}
	a.forget()
}

// forget drops samples and blocks that no later frame needs.
func (a *Analyzer) forget() {
	if drop := centre(len(a.frames.maxima)) - a.long.half - a.recentFrom; drop > margin {
		a.recent = a.recent[:copy(a.recent, a.recent[drop:])]
		a.recentFrom += drop
	}
	if drop := blockAt(len(a.frames.level)) - intensityHalf - a.blocksFrom; drop > intensityHalf {
		a.blocks = a.blocks[:copy(a.blocks, a.blocks[drop:])]
		a.blocksFrom += drop
	}
}

// centre is the number of the sample that frame i is centred before; blockAt that of the block.
func centre(i int) int  { return i*hop + hop/2 }
func blockAt(i int) int { return centre(i) / block }

// measureLevel measures the level of the next frame.
func (a *Analyzer) measureLevel() {
	at := blockAt(len(a.frames.level)) - a.blocksFrom
	a.frames.intensity = append(a.frames.intensity,
		float32(a.meter.intensity(a.blocks[at-intensityHalf:at+intensityHalf])))
	low, high := a.meter.bands(a.blocks[at-levelHalf : at+levelHalf])
	a.frames.level = append(a.frames.level, float32(low))
	a.frames.sibilance = append(a.frames.sibilance, float32(high))
}

// measurePair looks for F0 in the next two frames, or in the one that is left at the end.
func (a *Analyzer) measurePair(count int) {
	var long, short [2][]float64
	for k := range count {
		at := centre(len(a.frames.maxima))
		frame := a.scratch[k]
		peak := a.cut(frame, at)
		a.frames.maxima = append(a.frames.maxima, float32(peak))
		if peak > inaudible {
			long[k] = frame
			short[k] = frame[a.long.half-a.short.half : a.long.half+a.short.half]
		}
	}
	a.long.pair(long[0], long[1], count)
	a.short.pair(short[0], short[1], count)
}

// cut copies the window about a place, less the mean of two periods of the lowest F0 there, and
// gives the largest absolute value near the place.
func (a *Analyzer) cut(frame []float64, at int) float64 {
	half := len(frame) / 2
	copy(frame, a.recent[at-half-a.recentFrom:])
	from, to := max(0, half-at), min(2*half, half+a.total-at) // what lies within the audio
	mean := average(frame[max(from, half-4*nearby):min(to, half+4*nearby)])
	for k := from; k < to; k++ {
		frame[k] -= mean
	}
	peak := 0.0
	for _, x := range frame[half-nearby : half+nearby] {
		peak = max(peak, math.Abs(x))
	}
	return peak
}

// Finish measures what is left and sums up. The analyzer is spent.
func (a *Analyzer) Finish() Result {
	a.recent = append(a.recent, make([]float64, margin)...)
	if a.block.n > 0 {
		a.blocks = append(a.blocks, a.block)
	}
	a.blocks = append(a.blocks, make([]power, 2*intensityHalf)...)
	if a.total%peakSize != 0 {
		a.peaks = append(a.peaks, a.peak)
	}
	n := a.total / hop
	for len(a.frames.maxima) < n {
		a.measurePair(min(2, n-len(a.frames.maxima)))
	}
	for len(a.frames.level) < n {
		a.measureLevel()
	}
	return a.sumUp()
}
