package chain

import (
	"context"
	"errors"
	"strings"

	"bedside/speech/asr"
)

// Lengths in samples.
const (
	maxKept = 120 * asr.SampleRate    // of an utterance, to be heard again
	cut     = 10 * asr.SampleRate     // dropped from the beginning of what is longer
	lead    = asr.SampleRate * 3 / 10 // kept before the first sound
)

// stream implements asr.Stream.
type stream struct {
	ctx     context.Context
	chain   *Chain
	about   asr.Context
	own     []rest // of the links whose failures concern only this speaker
	current int    // the link that listens; -1: none
	inner   asr.Stream
	began   int // when inner was opened: samples of the stream

	written int       // samples
	kept    []float32 // the current utterance, without the silence before it
	sound   asr.Sound
	framed  int  // how much of kept has gone through sound
	voiced  bool // kept has sound
}

// open makes the best recogniser before the link with the given number listen, and gives it what
// was said. cause is why the present one is replaced, if it has failed.
func (s *stream) open(before int, cause error) error {
	var why []string
	for i, l := range s.chain.links[:before] {
		err := s.usable(i)
		if err == nil {
			err = s.begin(i)
			if err == nil {
				s.listens(i, strings.Join(why, "; "), cause)
				return nil
			}
			if s.ctx.Err() != nil {
				return context.Cause(s.ctx)
			}
			s.failed(i, err)
		}
		why = l.explain(why, err)
	}
	return ErrNone
}

// begin opens a stream of a link and gives it the current utterance.
func (s *stream) begin(i int) error {
	about, began := s.about, s.written-len(s.kept)
	about.Began += float64(began) / asr.SampleRate
	inner, err := s.chain.links[i].Recogniser.Open(s.ctx, about)
	if err != nil {
		return err
	}
	if len(s.kept) > 0 {
		if err := inner.Write(s.kept); err != nil {
			_ = inner.Close()
			return err
		}
	}
	if s.inner != nil {
		_ = s.inner.Close()
	}
	s.inner, s.current, s.began = inner, i, began
	return nil
}

// listens reports that a link listens from now on.
func (s *stream) listens(i int, why string, cause error) {
	name := s.chain.links[i].Name
	if cause != nil {
		s.chain.log.Warn("a recogniser has failed, and another one listens now",
			"recogniser", name, "why", cause)
	}
	if s.about.Chosen != nil {
		s.about.Chosen(asr.Choice{Name: name, Why: why})
	}
}

// usable returns nil, or why a link cannot listen to this speaker now.
func (s *stream) usable(i int) error {
	if err := s.own[i].over(); err != nil {
		return err
	}
	return s.chain.links[i].usable()
}

// failed notes that a link has failed. That it is not set up for this speaker is no failure.
func (s *stream) failed(i int, err error) {
	l := s.chain.links[i]
	switch {
	case errors.Is(err, asr.ErrNotSet):
		return
	case l.Own:
		s.own[i].failed(err)
	default:
		l.failed(err)
	}
	s.chain.failures.WithLabelValues(l.Name).Inc()
}

// replace lets another recogniser listen instead of the one that has failed.
func (s *stream) replace(err error) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	s.failed(s.current, err)
	return s.open(len(s.chain.links), err)
}

// Write implements asr.Stream.
func (s *stream) Write(samples []float32) error {
	if len(s.kept) == 0 && s.better() {
		if err := s.open(s.current, nil); err != nil && s.ctx.Err() != nil {
			return err
		}
	}
	s.keep(samples)
	if err := s.inner.Write(samples); err != nil {
		return s.replace(err)
	}
	return nil
}

// better reports whether a better recogniser than the present one can listen again.
func (s *stream) better() bool {
	for i := range s.current {
		if s.usable(i) == nil {
			return true
		}
	}
	return false
}

// keep keeps the sound of the utterance.
func (s *stream) keep(samples []float32) {
	s.written += len(samples)
	s.kept = append(s.kept, samples...)
	for ; s.framed+asr.SoundFrame <= len(s.kept); s.framed += asr.SoundFrame {
		if s.sound.Hears(s.kept[s.framed : s.framed+asr.SoundFrame]) {
			s.voiced = true
		}
	}
	switch {
	case !s.voiced:
		s.drop(s.framed - lead)
	case len(s.kept) > maxKept:
		s.drop(cut)
	}
}

// drop removes the first n samples of what is kept.
func (s *stream) drop(n int) {
	if n > 0 {
		s.kept = append(s.kept[:0], s.kept[n:]...)
		s.framed -= n
	}
}

// Partial implements asr.Stream.
func (s *stream) Partial() asr.Result { return s.shift(s.inner.Partial()) }

// End implements asr.Stream. It asks one recogniser after the other, until one has an answer.
func (s *stream) End() (asr.Result, error) {
	for {
		result, err := s.inner.End()
		if err == nil {
			s.chain.links[s.current].worked()
			s.own[s.current] = rest{}
			s.kept, s.framed, s.voiced = s.kept[:0], 0, false
			return s.shift(result), nil
		}
		if err := s.replace(err); err != nil {
			return asr.Result{}, err
		}
	}
}

// shift turns the times of the inner stream into those of this one.
func (s *stream) shift(r asr.Result) asr.Result {
	if s.began == 0 {
		return r
	}
	words := make([]asr.Word, len(r.Words))
	for i, w := range r.Words {
		w.From += float64(s.began) / asr.SampleRate
		w.To += float64(s.began) / asr.SampleRate
		words[i] = w
	}
	r.Words = words
	return r
}

// Close implements asr.Stream.
func (s *stream) Close() error { return s.inner.Close() }
