// Package asr describes speech recognisers: what turns a speaker's audio into words while the
// speaker is still talking. Each recogniser is a package below this one. They share one streaming
// interface, so that the rest of the worker does not depend on which of them there is.
//
// A recogniser of conversation hears better when it knows what the conversation is about. So a
// stream is opened with the sentences of its scenario, from which a recogniser makes a language
// model or a list of words to expect, and with what is known of the speaker's voice.
package asr

import (
	"context"
	"errors"
)

// SampleRate is the rate of the samples that streams take, in Hz.
const SampleRate = 16000

// Word is a recognised word. Times are in seconds since the stream began.
type Word struct {
	Text       string  `json:"text"`
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	Confidence float64 `json:"confidence"` // 0 to 1; 1 where the recogniser gives none
}

// Result is what a recogniser makes of an utterance.
type Result struct {
	Words []Word
	// Best lists what else may have been said, the most likely first, without fillers. It begins
	// with Words. Only the result of End has it.
	Best [][]string
}

// Sure returns the mean confidence of the words, 0 when there are none.
func (r Result) Sure() float64 {
	sum := 0.0
	for _, w := range r.Words {
		sum += w.Confidence
	}
	return sum / float64(max(len(r.Words), 1))
}

// Context is what a recogniser should know beforehand.
type Context struct {
	Texts   []string          // sentences that are likely to be said
	Say     map[string]string // pronunciations in ARPABET of words that dictionaries lack
	Speaker Speaker
	// Browser has the words that the speaker's browser has recognised; nil when it sends none.
	Browser *Feed
	Began   float64 // when the stream begins, in seconds since the Zero of Browser
	// Chosen, if it is set, is called with the recogniser that listens, at Open and whenever
	// another one takes over. It is called on the goroutine that opens or uses the stream.
	Chosen func(Choice)
}

// Choice says which recogniser listens.
type Choice struct {
	Name string
	Why  string // why it is not a better one; empty: it is the best that could be set up
}

// ErrNotSet is wrapped by errors that say that a recogniser is missing because nobody has set it
// up, which is no fault.
var ErrNotSet = errors.New("not set")

// Speaker is what is known of a speaker's voice, from sentences read aloud beforehand. The zero
// value is an unknown speaker.
type Speaker struct {
	Model string    // the acoustic model that fits best; empty for the recogniser's own choice
	Mean  []float64 // the cepstral mean
	Noisy bool      // the microphone hears much besides the speaker
}

// Recogniser opens streams. It is safe for concurrent use.
type Recogniser interface {
	// Name identifies the recogniser in logs and reports.
	Name() string
	// Open starts to listen to one speaker. The caller closes the stream. Cancelling ctx makes
	// calls of the stream that wait return an error.
	Open(ctx context.Context, c Context) (Stream, error)
}

// Stream recognises the utterances of one speaker, one after the other. One goroutine uses it.
type Stream interface {
	// Write adds audio to the current utterance: mono samples from -1 to 1 at SampleRate.
	Write(samples []float32) error
	// Partial returns the words of the current utterance so far. They may still change.
	Partial() Result
	// End ends the utterance and returns its words. The audio that follows begins the next one.
	End() (Result, error)
	Close() error
}
