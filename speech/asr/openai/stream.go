package openai

import (
	"context"

	"bedside/speech/asr"
)

// Lengths in samples.
const (
	frame        = asr.SoundFrame
	maxUtterance = 120 * asr.SampleRate
	cut          = asr.SampleRate          // dropped from the beginning of what is longer
	lead         = asr.SampleRate * 3 / 10 // kept before the first sound
	pause        = asr.SampleRate / 5      // then the utterance may be over, and is sent
	every        = asr.SampleRate          // how often a long utterance is sent, at most
	margin       = asr.SampleRate / 10     // after the last sound, to be sent with it
)

// stream implements asr.Stream.
type stream struct {
	ctx    context.Context // of the requests, until Close
	cancel context.CancelFunc
	r      *Recogniser
	prompt string

	begins  int       // where samples begin, since the stream began
	samples []float32 // of the current utterance, without the silence before it
	sound   asr.Sound
	framed  int // how much of samples has gone through sound
	voiced  int // the end of the last frame with sound; 0: none yet

	asked   int      // how much of samples the last request has
	failed  bool     // a request of this utterance has failed
	pending *request // under way; nil: none
	heard   heard    // the last answer
}

// request is a request under way.
type request struct {
	covers int // of samples
	begins int
	done   chan outcome // gets one value
	cancel context.CancelFunc
}

type outcome struct {
	answer answer
	err    error
}

// heard is what an answer says about the current utterance.
type heard struct {
	result asr.Result
	covers int // how much of samples it is about
}

// Write implements asr.Stream.
func (s *stream) Write(samples []float32) error {
	s.samples = append(s.samples, samples...)
	for ; s.framed+frame <= len(s.samples); s.framed += frame {
		if s.sound.Hears(s.samples[s.framed : s.framed+frame]) {
			s.voiced = s.framed + frame
		}
	}
	if s.voiced == 0 {
		s.drop(s.framed - lead)
	}
	if len(s.samples) > maxUtterance {
		s.drop(cut)
	}
	s.poll()
	if s.due() {
		s.ask()
	}
	return nil
}

// drop removes the first n samples of the utterance.
func (s *stream) drop(n int) {
	if n <= 0 {
		return
	}
	s.samples = append(s.samples[:0], s.samples[n:]...)
	s.begins += n
	s.framed, s.asked = s.framed-n, max(s.asked-n, 0)
	if s.voiced > 0 {
		s.voiced = max(s.voiced-n, 1)
	}
	s.heard.covers = max(s.heard.covers-n, 0)
	if s.pending != nil {
		s.pending.covers = max(s.pending.covers-n, 0)
	}
}

// due reports whether to send the utterance so far: the speaker has paused, or much has been said
// since the last time. Long utterances are sent less often.
func (s *stream) due() bool {
	if s.r.cfg.WholeTurns || s.failed || s.pending != nil || s.voiced == 0 ||
		s.asked >= s.voiced+margin {
		return false
	}
	return len(s.samples)-s.voiced >= pause ||
		len(s.samples)-s.asked >= max(every, len(s.samples)/8)
}

// ask sends the utterance so far.
func (s *stream) ask() {
	ctx, cancel := context.WithCancel(s.ctx)
	p := &request{
		covers: len(s.samples), begins: s.begins, done: make(chan outcome, 1), cancel: cancel,
	}
	file := wav(s.samples)
	go func() {
		defer cancel()
		a, err := s.r.transcribe(ctx, file, s.prompt)
		p.done <- outcome{a, err}
	}()
	s.asked, s.pending = p.covers, p
}

// poll takes the answer of a request, if it is there.
func (s *stream) poll() {
	if s.pending == nil {
		return
	}
	select {
	case o := <-s.pending.done:
		_ = s.take(o) // End asks again and reports what fails then
	default:
	}
}

// take makes an outcome what was heard.
func (s *stream) take(o outcome) error {
	p := s.pending
	s.pending = nil
	if o.err != nil {
		s.failed = true
		return o.err
	}
	begins := float64(p.begins) / asr.SampleRate
	ends := float64(s.begins+p.covers) / asr.SampleRate
	s.heard = heard{o.answer.result(begins, ends-begins), p.covers}
	return nil
}

// Partial implements asr.Stream.
func (s *stream) Partial() asr.Result {
	s.poll()
	return asr.Result{Words: s.heard.result.Words}
}

// End implements asr.Stream. It returns at once when the last request had all that was said.
func (s *stream) End() (asr.Result, error) {
	defer s.next()
	if s.voiced == 0 {
		return asr.Result{}, nil
	}
	s.poll()
	enough := min(s.voiced+margin, len(s.samples))
	if s.pending != nil && s.pending.covers < enough {
		s.pending.cancel()
		s.pending = nil
	}
	if s.pending == nil && s.heard.covers >= enough && !s.failed {
		return s.heard.result, nil
	}
	if s.pending == nil {
		s.ask()
	}
	if err := s.take(<-s.pending.done); err != nil {
		return asr.Result{}, err
	}
	return s.heard.result, nil
}

// next begins the next utterance.
func (s *stream) next() {
	if s.pending != nil {
		s.pending.cancel()
		s.pending = nil
	}
	s.begins += len(s.samples)
	s.samples = s.samples[:0]
	s.framed, s.voiced, s.asked, s.failed, s.heard = 0, 0, 0, false, heard{}
}

// Close implements asr.Stream.
func (s *stream) Close() error {
	s.cancel()
	return nil
}
