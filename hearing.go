package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/api/hearing"
	"bedside/speech/asr"
	"bedside/speech/asr/sphinx"
	"bedside/speech/opus"
	"bedside/store"
)

const (
	longestReading  = 20 * time.Second
	shortestReading = time.Second
	// waitingVoices is how many may wait while another one is measured. Each takes two seconds.
	waitingVoices = 4
)

// voiceMeter measures voices for the API, one at a time, since each takes a core.
type voiceMeter struct {
	recogniser *sphinx.Recogniser
	places     chan struct{} // one for the voice that is measured, and those that may wait
	turn       chan struct{}
}

// newVoiceMeter returns the function that measures voices, or nil when this machine cannot.
func newVoiceMeter(cfg sphinx.Config) hearing.Measure {
	r, err := sphinx.New(cfg)
	if err != nil {
		return nil // doctor says so
	}
	m := &voiceMeter{r, make(chan struct{}, 1+waitingVoices), make(chan struct{}, 1)}
	return m.measure
}

// measure implements hearing.Measure.
func (m *voiceMeter) measure(ctx context.Context, list []hearing.Reading) (store.Hearing, error) {
	select {
	case m.places <- struct{}{}:
		defer func() { <-m.places }()
	default:
		return store.Hearing{}, fmt.Errorf("%w: too many voices wait", store.ErrUnavailable)
	}
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return store.Hearing{}, ctx.Err()
	}
	if err := m.recogniser.Adapted(); err != nil {
		return store.Hearing{}, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	readings := make([]sphinx.Reading, len(list))
	for i, r := range list {
		samples, err := opus.ReadAudio(bytes.NewReader(r.Audio), asr.SampleRate, longestReading)
		switch {
		case err != nil:
			return store.Hearing{}, &hearing.ReadingError{
				Index:   i,
				Message: "Send a WAV, Ogg Opus or MP3 file of at most 20 seconds.",
			}
		case len(samples) < int(shortestReading.Seconds()*asr.SampleRate):
			return store.Hearing{}, notRead(i)
		}
		readings[i] = sphinx.Reading{Text: r.Text, Samples: samples}
	}
	fit, err := m.recogniser.Fit(ctx, readings)
	var wrong *sphinx.ReadingError
	if errors.As(err, &wrong) {
		return store.Hearing{}, notRead(wrong.Index)
	}
	return store.Hearing{
		Model: fit.Speaker.Model, Mean: fit.Speaker.Mean, Gain: fit.Gain,
	}, err
}

func notRead(i int) error {
	return &hearing.ReadingError{
		Index: i, Message: "The sentence was not heard. Read it again, as it stands there, and " +
			"close to the microphone.",
	}
}
