// Package dsp measures one voice: level, voice activity, pauses, F0 and syllable nuclei, and the
// measures of fluency and prosody that follow from them. It works on 16 kHz mono samples of -1 to
// 1, does the costly part while the samples come in, and knows nothing of where they come from.
// ../ANALYSIS.md says what each measure is, after which paper, and how exact it was found to be.
package dsp

import (
	"errors"

	"bedside/store"
)

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

// Result is what an Analyzer measured. No slice is nil and no number is NaN or infinite.
type Result struct {
	store.Analysis
	Peaks []float32 // the largest absolute sample of each 50 ms
}
