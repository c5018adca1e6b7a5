//go:build linux

package sphinx

import (
	"context"
	"slices"

	"bedside/speech/asr"
	"bedside/speech/asr/acoustic"
)

// doubtful is the gain, in nats per frame, up to which it is in doubt which model fits better.
const doubtful = 0.35

// mostSurprise is how much less likely than any phones, in nats per frame, a sentence may be that
// was read, under the model that it surprises less. In a sample of learners those that were read
// had 0.4 to 1.7, and others 1.8 to 4.
const mostSurprise = 1.8

// Fit compares the acoustic models by a speaker's sentences. It takes about half a second of a
// core for a sentence.
func (r *Recogniser) Fit(ctx context.Context, readings []Reading) (Fit, error) {
	m, err := r.loadModels()
	if err != nil {
		return Fit{}, err
	}
	var all [][acoustic.Size]float64
	fit := Fit{}
	for i, reading := range readings {
		if err := ctx.Err(); err != nil {
			return Fit{}, err
		}
		cepstra, err := r.Cepstra(reading.Samples)
		if err != nil {
			return Fit{}, err
		}
		cepstra = audible(cepstra)
		features, words := acoustic.NewFeatures(cepstra, nil), asr.Words(reading.Text)
		if !m.read(features, words) {
			return Fit{}, &ReadingError{i}
		}
		a, err := m.packaged.Align(features, words, m.dictionary)
		if err != nil {
			return Fit{}, &ReadingError{i}
		}
		b, err := m.adapted.Realign(features, a.Phones)
		if err != nil {
			return Fit{}, &ReadingError{i}
		}
		n := len(a.Senones)
		fit.Gain += (b.Score - a.Score) * float64(n)
		fit.Frames += n
		all = append(all, cepstra...)
	}
	if fit.Frames == 0 {
		return Fit{}, &ReadingError{}
	}
	fit.Gain /= float64(fit.Frames)
	mean := acoustic.Mean(all)
	fit.Speaker = asr.Speaker{Model: choose(fit.Gain), Mean: mean[:]}
	return fit, nil
}

// read reports whether a sentence was read. The adapted model is asked when it surprises the
// packaged one, as it does when the accent is strong.
func (m *models) read(features []acoustic.Features, words []string) bool {
	for _, scorer := range []*acoustic.Scorer{m.packaged, m.adapted} {
		surprise, err := scorer.Surprise(features, words, m.dictionary)
		if err == nil && surprise <= mostSurprise {
			return true
		}
	}
	return false
}

func choose(gain float64) string {
	switch {
	case gain > doubtful:
		return asr.Adapted
	case gain < -doubtful:
		return asr.Packaged
	}
	return asr.Average
}

// audible returns the frames with energy. Digital silence, as noise gates make it, is like nothing
// that the models have heard, and would hide the differences between them.
func audible(cepstra [][acoustic.Size]float64) [][acoustic.Size]float64 {
	return slices.DeleteFunc(cepstra, func(c [acoustic.Size]float64) bool { return c[0] < 0 })
}
