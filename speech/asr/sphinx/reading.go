package sphinx

import (
	"errors"
	"fmt"

	"bedside/speech/asr"
)

// Reading is a known sentence as a speaker read it aloud, with samples as asr.Stream takes them.
type Reading struct {
	Text    string
	Samples []float32
}

// Fit is how well the acoustic models fit a speaker.
type Fit struct {
	// Speaker has the model to use, and the mean of the speaker's cepstra.
	Speaker asr.Speaker
	// Gain is by how much the adapted model is likelier than the packaged one, in nats per frame.
	Gain   float64
	Frames int
}

// ErrReading is returned by Fit when a sentence was not read: something else or nothing was said.
var ErrReading = errors.New("the sentence was not read")

// ReadingError says which sentence was not read.
type ReadingError struct{ Index int }

// Error implements error.
func (e *ReadingError) Error() string {
	return fmt.Sprintf("sentence %d: %v", e.Index+1, ErrReading)
}

// Unwrap returns ErrReading.
func (*ReadingError) Unwrap() error { return ErrReading }
