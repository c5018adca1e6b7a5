// Package dsp measures one voice: where it speaks and pauses, how fast, how loud and at which
// pitch.
//
// The terms, for 16 kHz mono samples from -1 to 1:
//
//   - A frame is 10 ms of audio. Every contour has one value per frame.
//   - The intensity is the level of the sound in dB re full scale.
//   - F0, the fundamental frequency, is the rate at which the vocal folds vibrate; it is heard as
//     pitch. Vowels are voiced and have an F0. Sounds like "s" are unvoiced and have none.
//   - Voice activity decides which frames are speech. A silence of 0.25 s or more between two
//     stretches of speech is a pause.
//   - A syllable nucleus is the peak of a syllable, usually its vowel. Counting nuclei counts
//     syllables.
//
// An Analyzer does the costly part while the samples arrive, and what needs the whole recording at
// the end. ../ANALYSIS.md defines each measure, with the paper it follows and the errors found.
package dsp

import (
	"errors"

	"bedside/store"
)

// SampleRate is the rate of an Analyzer's samples in Hz.
const SampleRate = 16000

const (
	// hop is the number of samples in a frame. Frame i begins with sample i*hop. An incomplete
	// frame at the end is dropped.
	hop      = SampleRate / 100
	peakSize = SampleRate / 20 // samples per entry of Result.Peaks

	// MaxSample is the largest absolute sample accepted as audio: 40 dB over full scale.
	MaxSample = 100

	// MaxSeconds is the longest audio that an Analyzer accepts. It limits its memory.
	MaxSeconds = 4 * 60 * 60
)

var (
	// ErrSample is returned by Write for a sample that is no audio: not a number, infinite, or
	// beyond MaxSample.
	ErrSample = errors.New("not a number, infinite, or more than 40 dB over full scale")
	// ErrTooLong is returned by Write for samples beyond MaxSeconds.
	ErrTooLong = errors.New("audio is longer than four hours")
)

// Result is what an Analyzer measured. No slice is nil and no number is NaN or infinite.
type Result struct {
	store.Analysis
	Peaks []float32 // the largest absolute sample of each 50 ms

	level []float32 // of each frame, as frames.level
}
