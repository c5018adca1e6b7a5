// Package browser listens by the words that a candidate's own browser has recognised
// (SpeechRecognition in Chrome, Edge and Safari) and sends. The maker of the browser hears the
// candidate then, so that nothing is sent without the candidate's consent.
//
// Browsers give no times of words and no notice that nothing was said. So a stream listens to the
// sound as well: when somebody spoke and no words come within a second, it fails, and another
// recogniser can hear what was said.
package browser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/speech/asr"
)

const (
	patience = time.Second // for the final words after the end of an utterance
	// Browsers end their results where the words end, but guess the times.
	slack = 0.6 // seconds
	// sounds is how much sound an utterance has at least, in frames. A knock has less.
	sounds = 15
)

// errSilent is returned by End when somebody spoke and the browser has sent no words.
var errSilent = errors.New("the browser has sent no words for what was said")

// Recogniser implements asr.Recogniser by asr.Context.Browser.
type Recogniser struct{}

// Name implements asr.Recogniser.
func (Recogniser) Name() string { return "browser" }

// Open implements asr.Recogniser. The error wraps asr.ErrNotSet until the browser has sent words.
func (Recogniser) Open(ctx context.Context, c asr.Context) (asr.Stream, error) {
	if c.Browser == nil || !c.Browser.Used() {
		return nil, fmt.Errorf("the browser sends no words: %w", asr.ErrNotSet)
	}
	return &stream{ctx: ctx, feed: c.Browser, began: c.Began, taken: c.Began - slack}, nil
}

// stream implements asr.Stream.
type stream struct {
	ctx     context.Context
	feed    *asr.Feed
	began   float64 // on the feed's time line
	written int     // samples
	taken   float64 // the end of the words of earlier utterances, on the feed's time line

	sound    asr.Sound
	frame    []float32 // the beginning of a frame
	sounding int       // frames of the utterance with sound
	voiced   int       // the end of the last one, in samples
}

// Write implements asr.Stream.
func (s *stream) Write(samples []float32) error {
	for _, v := range samples {
		s.written++
		if s.frame = append(s.frame, v); len(s.frame) == asr.SoundFrame {
			if s.sound.Hears(s.frame) {
				s.sounding++
				s.voiced = s.written
			}
			s.frame = s.frame[:0]
		}
	}
	return nil
}

// at returns a position in samples on the feed's time line.
func (s *stream) at(samples int) float64 { return s.began + float64(samples)/asr.SampleRate }

// words returns the words of the current utterance, in times of the feed.
func (s *stream) words() (words []asr.Word, final bool) {
	return s.feed.Between(s.taken, s.at(s.written)+slack)
}

// Partial implements asr.Stream.
func (s *stream) Partial() asr.Result {
	words, _ := s.words()
	return asr.Result{Words: s.own(words)}
}

// own turns times of the feed into those of the stream.
func (s *stream) own(words []asr.Word) []asr.Word {
	for i := range words {
		words[i].From = max(words[i].From-s.began, 0)
		words[i].To = max(words[i].To-s.began, words[i].From)
	}
	return words
}

// End implements asr.Stream. It waits a second for final words.
func (s *stream) End() (asr.Result, error) {
	ctx, cancel := context.WithTimeoutCause(s.ctx, patience, errSilent)
	defer cancel()
	spoke := s.sounding >= sounds
	var words []asr.Word
	err := s.feed.Wait(ctx, func() bool {
		var final bool
		words, final = s.words()
		if len(words) == 0 {
			return !spoke
		}
		return final && words[len(words)-1].To+slack >= s.at(s.voiced)
	})
	if err != nil && (s.ctx.Err() != nil || len(words) == 0) {
		return asr.Result{}, err
	}
	s.sounding = 0
	if len(words) == 0 {
		return asr.Result{}, nil
	}
	s.taken = min(words[len(words)-1].To, s.at(s.written))
	best := make([]string, len(words))
	for i, w := range words {
		best[i] = w.Text
	}
	return asr.Result{Words: s.own(words), Best: [][]string{best}}, nil
}

// Close implements asr.Stream.
func (s *stream) Close() error { return nil }
