// Package dsp measures one voice: level, voice activity, pauses, F0 and syllable nuclei, and the
// measures of fluency and prosody that follow from them. It works on 16 kHz mono samples of -1 to
// 1, does the costly part while the samples come in, and knows nothing of where they come from.
// ../ANALYSIS.md says what each measure is, after which paper, and how exact it was found to be.
package dsp

import "errors"

// SampleRate of the samples that an Analyzer takes.
const SampleRate = 16000

const (
	// samples of a frame: frame i begins with sample i*hop. A last part that fills none is in no
	// frame
	hop      = SampleRate / 100
	peakSize = SampleRate / 20 // samples that a peak stands for

	// MaxSample is the largest absolute value that is still taken for audio: 40 dB over full
	// scale.
	MaxSample = 100

	// MaxSeconds is the longest audio that an Analyzer takes. It bounds its memory.
	MaxSeconds = 4 * 60 * 60
)

var (
	// ErrSample refuses samples that are not audio.
	ErrSample = errors.New("not a number, infinite, or more than 40 dB over full scale")
	// ErrTooLong refuses samples beyond MaxSeconds.
	ErrTooLong = errors.New("audio is longer than four hours")
)

// Result is what was measured. Times are seconds from the first sample. No slice is nil and no
// number is NaN or infinite. Its parts convert to those of the same name in package store.
type Result struct {
	DurationS float64
	Speech    []Span
	Pauses    []Span
	Syllables []float64
	Pitch     []PitchPoint
	Intensity []IntensityPoint
	Measures  Measures
	Peaks     []float32 // largest absolute sample of each 50 ms
}

// Span is a stretch of time in seconds, the end excluded.
type Span struct {
	StartS float64
	EndS   float64
}

// PitchPoint is F0 at a time.
type PitchPoint struct {
	TS float64
	Hz float64
}

// IntensityPoint is the level at a time, in dB re full scale (0 dB: a full-scale square wave).
type IntensityPoint struct {
	TS float64
	DB float64
}

// Measures sum a result up. A measure that needs what the audio does not have is nil. Package
// store says what each is.
type Measures struct {
	SpeechDurationS          float64
	PhonationTimeS           float64
	PhonationTimeRatio       *float64
	SyllableCount            int
	SpeechRateSyllPerS       *float64
	ArticulationRateSyllPerS *float64
	MeanLengthOfRunSyll      *float64
	MeanLengthOfRunS         *float64
	PauseCount               int
	PauseTotalS              float64
	PauseMeanS               *float64
	PauseMaxS                *float64
	PausesPerMin             *float64
	F0MedianHz               *float64
	F0Q10Hz                  *float64
	F0Q90Hz                  *float64
	F0RangeSemitones         *float64
	F0SDSemitones            *float64
	VoicedRatio              *float64
	IntensityMeanDB          *float64
	IntensitySDDB            *float64
	NoiseFloorDB             *float64
}
