package sherpa

import (
	"encoding/json"
	"errors"
	"math"
	"strings"

	"bedside/speech/asr"
)

// lead is how much is decoded before the first sound, in samples.
const lead = asr.SampleRate * 3 / 10

// stream implements asr.Stream. Each utterance is a stream of the engine, which begins with the
// first sound, so that silence costs nothing.
type stream struct {
	engine  *engine
	current *decoding // nil: nothing was said in this utterance yet
	begins  int       // where current begins, in samples
	written int
	sound   asr.Sound
	waiting []float32 // before the first sound
	framed  int       // how much of waiting has gone through sound
}

// Write implements asr.Stream.
func (s *stream) Write(samples []float32) error {
	s.written += len(samples)
	if s.current != nil {
		s.current.write(samples)
		return nil
	}
	s.waiting = append(s.waiting, samples...)
	heard := false
	for ; s.framed+asr.SoundFrame <= len(s.waiting); s.framed += asr.SoundFrame {
		heard = s.sound.Hears(s.waiting[s.framed:s.framed+asr.SoundFrame]) || heard
	}
	if heard {
		return s.begin()
	}
	if n := s.framed - lead; n > 0 {
		s.waiting = append(s.waiting[:0], s.waiting[n:]...)
		s.framed -= n
	}
	return nil
}

// begin makes the engine decode what waits, and what comes.
func (s *stream) begin() error {
	d, err := s.engine.open()
	if err != nil {
		return err
	}
	s.current, s.begins = d, s.written-len(s.waiting)
	d.write(s.waiting)
	s.waiting, s.framed = s.waiting[:0], 0
	return nil
}

// Partial implements asr.Stream.
func (s *stream) Partial() asr.Result {
	if s.current == nil {
		return asr.Result{}
	}
	text, err := s.current.result()
	if err != nil {
		return asr.Result{}
	}
	r, err := s.parse(text)
	if err != nil {
		return asr.Result{}
	}
	return asr.Result{Words: r.Words}
}

// End implements asr.Stream.
func (s *stream) End() (asr.Result, error) {
	s.waiting, s.framed = s.waiting[:0], 0
	if s.current == nil {
		return asr.Result{}, nil
	}
	text, err := s.current.end()
	s.current.free()
	s.current = nil
	if err != nil {
		return asr.Result{}, err
	}
	return s.parse(text)
}

// Close implements asr.Stream.
func (s *stream) Close() error {
	if s.current != nil {
		s.current.free()
		s.current = nil
	}
	return nil
}

// answer is what the engine says of a stream.
type answer struct {
	Tokens     []string  `json:"tokens"`
	Timestamps []float64 `json:"timestamps"` // when each token begins, in seconds
	LogProbs   []float64 `json:"ys_probs"`   // of each token; only transducers have them
}

// tokenLasts is how long the last token of a word lasts at most, in seconds.
const tokenLasts = 0.25

// parse turns an answer of the engine into words.
func (s *stream) parse(text string) (asr.Result, error) {
	var a answer
	if json.Unmarshal([]byte(text), &a) != nil {
		return asr.Result{}, errors.New("sherpa-onnx: its result is not JSON")
	}
	begins := float64(s.begins) / asr.SampleRate
	ends := float64(s.written) / asr.SampleRate
	words := a.words(begins)
	for i := range words {
		next := ends
		if i+1 < len(words) {
			next = words[i+1].From
		}
		words[i].To = max(words[i].From, min(words[i].To+tokenLasts, next))
	}
	if len(words) == 0 {
		return asr.Result{}, nil
	}
	best := make([]string, len(words))
	for i, w := range words {
		best[i] = w.Text
	}
	return asr.Result{Words: words, Best: [][]string{best}}, nil
}

// words joins tokens to words. A token with a space or a low line in front begins one. To is where
// the last token begins.
func (a answer) words(begins float64) []asr.Word {
	var words []asr.Word
	add := func(text string, from, to, confidence float64) {
		if list := asr.Words(text); len(list) > 0 {
			words = append(words, asr.Word{
				Text: strings.Join(list, ""), From: begins + from, To: begins + to,
				Confidence: confidence,
			})
		}
	}
	var text string
	var from, to float64
	least := 1.0
	for i, token := range a.Tokens {
		at := to
		if i < len(a.Timestamps) {
			at = max(a.Timestamps[i], to)
		}
		token = strings.ReplaceAll(token, "▁", " ")
		if strings.HasPrefix(token, " ") {
			add(text, from, to, least)
			text, least = "", 1
		}
		if text == "" {
			from = at
		}
		text, to = text+token, at
		if i < len(a.LogProbs) {
			least = min(least, math.Exp(min(a.LogProbs[i], 0)))
		}
	}
	add(text, from, to, least)
	return words
}
