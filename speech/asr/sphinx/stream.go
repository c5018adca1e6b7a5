//go:build linux

package sphinx

import (
	"math"

	"bedside/speech/asr"
)

const (
	frameSamples = asr.SampleRate / 100 // of a frame of features
	maxBest      = 5
	// partialEvery is how much audio, in samples, lies between two looks at the words so far: each
	// costs a walk through the decoder's back-pointers.
	partialEvery = asr.SampleRate / 10
)

// Stream implements asr.Stream.
type Stream struct {
	decoder *decoder
	written int // samples of all utterances
	begins  int // the first sample of the current utterance
	scratch []int16

	partial   asr.Result
	partialAt int // written at the time of partial
}

// Write implements asr.Stream.
func (s *Stream) Write(samples []float32) error {
	s.scratch = s.scratch[:0]
	for _, v := range samples {
		s.scratch = append(s.scratch, int16(math.Round(max(-1, min(1, float64(v)))*math.MaxInt16)))
	}
	s.written += len(samples)
	return s.decoder.write(s.scratch, false)
}

// Partial implements asr.Stream.
func (s *Stream) Partial() asr.Result {
	if s.written-s.partialAt >= partialEvery || s.written == s.begins {
		s.partial, s.partialAt = asr.Result{Words: s.words()}, s.written
	}
	return s.partial
}

// End implements asr.Stream.
func (s *Stream) End() (asr.Result, error) {
	if err := s.decoder.end(); err != nil {
		return asr.Result{}, err
	}
	result := asr.Result{Words: s.words(), Best: s.decoder.best(maxBest)}
	s.begins, s.partial, s.partialAt = s.written, asr.Result{}, s.written
	return result, s.decoder.begin()
}

// words returns the best hypothesis of the current utterance.
func (s *Stream) words() []asr.Word {
	if s.written == s.begins {
		return nil
	}
	var words []asr.Word
	segments := s.decoder.segments()
	// pocketsphinx counts frames on from earlier utterances. The first segment begins this one.
	at := func(frame int) float64 {
		return float64(s.begins+(frame-segments[0].first)*frameSamples) / asr.SampleRate
	}
	for _, seg := range segments {
		if text, ok := word(seg.word); ok {
			words = append(words, asr.Word{
				Text: text, From: at(seg.first), To: at(seg.last + 1),
				Confidence: min(seg.probability, 1),
			})
		}
	}
	return words
}

// Mean returns the cepstral mean of what was heard, for asr.Speaker.
func (s *Stream) Mean() []float64 { return s.decoder.mean() }

// Close implements asr.Stream.
func (s *Stream) Close() error {
	if s.decoder != nil {
		s.decoder.free()
		s.decoder = nil
	}
	return nil
}
