package dsp

import (
	"fmt"
	"math"
)

// Analyzer measures the samples of one voice while they arrive, and returns a Result at the end.
// The result is the same to the last bit however the samples were divided into writes. An
// Analyzer belongs to one goroutine. It keeps about half a MB for each minute of audio, and needs
// no closing.
type Analyzer struct {
	total int // samples written

	recent      []float64 // the last samples, which later frames need; zeros before the first
	recentFrom  int       // index of recent[0] in the audio
	blocks      []power   // the last complete blocks, which later frames need
	blocksFrom  int       // index of blocks[0] in the audio
	block       power     // being filled
	rumble      highPass  // removes rumble and hum
	vowels      highPass  // removes vowels; sibilants and bursts are left
	peaks       []float32
	peak        float32 // being filled
	meter       *meter
	long, short *bank        // long for the first pass and low voices, short for high voices
	scratch     [2][]float64 // a pair of frames

	frames frames
}

// frames holds the values of each frame that Finish needs.
type frames struct {
	maxima    []float32 // largest absolute sample about the centre, less the mean
	intensity []float32 // dB: the smooth contour of the result
	level     []float32 // dB, in a short window, without rumble and hum
	sibilance []float32 // dB, in a short window, without vowels
}

const (
	// The windows of the two banks hold three periods of longFloor and shortFloor.
	longFloor  = widestFloor
	shortFloor = 130.0
	// shortLowest is the lowest F0 that the short window detects. It holds 2.65 periods of it.
	shortLowest = 115.0
	// margin is the largest number of samples that a window needs on each side of its centre.
	margin = 1024
	// nearby is the number of samples on each side of the centre for a frame's maximum: together
	// half a period of the lowest F0.
	nearby    = SampleRate / (4 * widestFloor)
	inaudible = 1e-6 // -120 dB re full scale
)

// NewAnalyzer returns an analyzer for a new recording.
func NewAnalyzer() *Analyzer {
	a := &Analyzer{
		recent: make([]float64, margin, 4*margin), recentFrom: -margin,
		blocks: make([]power, intensityHalf, 4*intensityHalf), blocksFrom: -intensityHalf,
		rumble: newHighPass(100),
		vowels: newHighPass(3000),
		meter:  newMeter(),
		long:   newBank(longFloor, widestFloor, 1024),
		short:  newBank(shortFloor, shortLowest, 512),
	}
	for i := range a.scratch {
		a.scratch[i] = make([]float64, 2*a.long.half)
	}
	return a
}

// Write adds samples. It does not keep the slice. The error is ErrSample or ErrTooLong; Write then
// adds none of the slice, and the samples of earlier writes stay.
func (a *Analyzer) Write(samples []float32) error {
	if len(samples) > MaxSeconds*SampleRate-a.total {
		return ErrTooLong
	}
	for i, x := range samples {
		if !(x >= -MaxSample && x <= MaxSample) { // also true for NaN
			return fmt.Errorf("sample %d is %v: %w", a.total+i, x, ErrSample)
		}
	}
	for len(samples) > 0 {
		n := min(len(samples), margin)
		a.add(samples[:n])
		samples = samples[n:]
	}
	return nil
}

// add appends at most margin samples and measures the frames that they complete.
func (a *Analyzer) add(samples []float32) {
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
			a.rumble.flushDenormals()
			a.vowels.flushDenormals()
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
	a.discardOld()
}

// discardOld drops samples and blocks that no later frame needs.
func (a *Analyzer) discardOld() {
	if drop := centre(len(a.frames.maxima)) - a.long.half - a.recentFrom; drop > margin {
		a.recent = a.recent[:copy(a.recent, a.recent[drop:])]
		a.recentFrom += drop
	}
	if drop := blockAt(len(a.frames.level)) - intensityHalf - a.blocksFrom; drop > intensityHalf {
		a.blocks = a.blocks[:copy(a.blocks, a.blocks[drop:])]
		a.blocksFrom += drop
	}
}

// centre returns the index of the first sample behind the centre of frame i.
func centre(i int) int { return i*hop + hop/2 }

// blockAt returns the index of the first block behind the centre of frame i.
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

// measurePair finds the candidates for F0 of the next two frames, or of the last one.
func (a *Analyzer) measurePair(count int) {
	var long, short [2][]float64
	for k := range count {
		at := centre(len(a.frames.maxima))
		frame := a.scratch[k]
		peak := a.copyWindow(frame, at)
		a.frames.maxima = append(a.frames.maxima, float32(peak))
		if peak > inaudible {
			long[k] = frame
			short[k] = frame[a.long.half-a.short.half : a.long.half+a.short.half]
		}
	}
	a.long.addPair(long[0], long[1], count)
	a.short.addPair(short[0], short[1], count)
}

// copyWindow copies the window centred at a sample to frame, less the mean over two periods of the
// lowest F0 there. It returns the largest absolute value near the centre.
func (a *Analyzer) copyWindow(frame []float64, at int) float64 {
	half := len(frame) / 2
	copy(frame, a.recent[at-half-a.recentFrom:])
	from, to := max(0, half-at), min(2*half, half+a.total-at) // the part within the audio
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

// Finish measures the remaining frames and returns the result. The analyzer must not be used after
// it.
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
	return a.result()
}
