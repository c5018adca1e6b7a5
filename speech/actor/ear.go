package actor

import (
	"fmt"
	"slices"

	"bedside/speech/asr"
	"bedside/speech/patient"
)

const (
	// frameSeconds is the length of the frames in which the ear looks for speech.
	frameSeconds = float64(asr.SoundFrame) / asr.SampleRate
	// onset is how many frames with sound begin speech, and hangover how many without end it.
	onset    = 3
	hangover = 8
	// before is how many frames before the onset belong to the utterance: 300 ms.
	before = 15
	// wordless is the time, in seconds, after which sound in which the recogniser finds no new
	// word is noise.
	wordless = 2.5
	// longest is how long an utterance is recognised in one piece, in seconds. Then the next
	// piece of the same turn begins.
	longest = 30.0
	// longestTurn is how long a turn is listened to, in seconds. Then the patient answers.
	longestTurn = 90.0
	// lookEvery is how often the words so far are looked at, in seconds.
	lookEvery = 0.1
)

// heard is what the candidate said in one turn. Times are in seconds of the attempt's time line.
type heard struct {
	From, To float64
	Words    []asr.Word
	Best     [][]string
}

// ear turns the candidate's audio into turns. It has no clock: the audio is its time, and silent
// tells it that there is none. It belongs to its actor's goroutine.
type ear struct {
	stream asr.Stream
	// guess tells what the words so far mean.
	guess func(words []string) patient.Act
	// placed, if it is set, is called with what is to be added to times of the stream from now on.
	placed func(offset float64)

	sound    asr.Sound
	turns    patient.Turns
	at       float64 // the end of what was heard, or of the silence since
	audioAt  float64 // the end of what was heard
	run      int     // frames with sound, without a break
	quiet    int     // frames without sound since the last one with sound
	loudAt   float64 // the end of the last frame with sound
	speaking bool
	noise    bool // sound without words
	held     bool // the candidate holds the button to talk
	// releaseAt is when the candidate has released it, 0 when not. What was said before may still
	// be on its way.
	releaseAt float64

	recent  [][]float32 // the last frames, while there is no utterance
	open    bool        // there is an utterance
	written int         // samples that the stream has got
	began   float64     // where the utterance begins, on the time line
	turn    float64     // where its turn begins
	offset  float64     // what is added to times of the stream
	pieces  []asr.Result

	lookedAt float64
	words    []asr.Word // so far, of the whole turn
	wordAt   float64    // when a new word was last found
	guessed  bool       // act is what they mean
	act      patient.Act
}

// hear takes a frame of SoundFrame samples that ends at a time.
func (e *ear) hear(samples []float32, at float64) error {
	e.at, e.audioAt = at, at
	e.detect(samples, at)
	switch {
	case e.open:
		if err := e.write(samples); err != nil {
			return err
		}
	case e.speaking || e.held && e.run > 0:
		return e.begin(samples, at)
	default:
		if e.recent = append(e.recent, samples); len(e.recent) > before {
			e.recent = e.recent[1:]
		}
		return nil
	}
	if at-e.lookedAt >= lookEvery {
		e.look()
	}
	if at-e.began > longest {
		return e.cut()
	}
	return nil
}

// detect follows whether the candidate speaks.
func (e *ear) detect(samples []float32, at float64) {
	if e.sound.Hears(samples) {
		e.run++
		e.quiet, e.loudAt = 0, at
	} else {
		e.quiet++
	}
	if e.quiet > 2 {
		e.run = 0
	}
	switch {
	case !e.speaking && !e.noise && e.run >= onset:
		e.speaking, e.wordAt = true, at
		e.turns.Voice(at-onset*frameSeconds, true)
	case e.quiet >= hangover:
		e.noise = false
		e.hush(e.loudAt)
	case e.speaking && at-e.wordAt > wordless:
		e.noise = true
		e.hush(e.wordAt)
	}
}

// hush records that the candidate does not speak any more.
func (e *ear) hush(since float64) {
	if e.speaking {
		e.speaking = false
		e.turns.Voice(since, false)
	}
}

// silent says that there was no audio until a time, as from a microphone that is off.
func (e *ear) silent(at float64) {
	if at-e.at < frameSeconds {
		return
	}
	e.at, e.run, e.quiet, e.noise = at, 0, hangover, false
	e.hush(e.loudAt)
	if e.open && at-e.lookedAt >= lookEvery {
		e.look()
	}
}

// begin begins an utterance with the frames before its onset.
func (e *ear) begin(samples []float32, at float64) error {
	lead := e.recent
	e.recent = nil
	e.open, e.began = true, at-float64(len(lead)+1)*frameSeconds
	e.turn = e.began
	e.locate()
	e.guessed, e.wordAt = false, at
	for _, f := range append(lead, samples) {
		if err := e.write(f); err != nil {
			return err
		}
	}
	return nil
}

func (e *ear) write(samples []float32) error {
	e.written += len(samples)
	if err := e.stream.Write(samples); err != nil {
		return fmt.Errorf("recognise: %w", err)
	}
	return nil
}

// look takes note of the words so far.
func (e *ear) look() {
	e.lookedAt = e.at
	words := e.gather(e.stream.Partial())
	if len(words) == len(e.words) && slices.EqualFunc(words, e.words,
		func(a, b asr.Word) bool { return a.Text == b.Text }) {
		return
	}
	if len(words) > len(e.words) {
		e.wordAt = e.at
		if e.noise && e.quiet < hangover {
			e.noise, e.speaking = false, true
			e.turns.Voice(e.at, true)
		}
	}
	e.words, e.guessed = words, false
}

// gather returns the words of the pieces before, and of the last one, on the time line.
func (e *ear) gather(last asr.Result) []asr.Word {
	var words []asr.Word
	for _, p := range e.pieces {
		words = append(words, p.Words...)
	}
	return append(words, e.place(last.Words)...)
}

// place returns words with times of the time line.
func (e *ear) place(words []asr.Word) []asr.Word {
	placed := slices.Clone(words)
	for i := range placed {
		placed[i].From = max(placed[i].From+e.offset, e.began)
		placed[i].To = max(placed[i].To+e.offset, placed[i].From)
	}
	return placed
}

// cut ends a long piece of the turn, and begins the next.
func (e *ear) cut() error {
	r, err := e.stream.End()
	if err != nil {
		return fmt.Errorf("recognise: %w", err)
	}
	r.Words = e.place(r.Words)
	e.pieces = append(e.pieces, r)
	e.began = e.at
	e.locate()
	return nil
}

// locate relates the stream's time to the time line: the stream gets only what is said.
func (e *ear) locate() {
	e.offset = e.began - float64(e.written)/asr.SampleRate
	if e.placed != nil {
		e.placed(e.offset)
	}
}

// over reports whether the candidate's turn is over.
func (e *ear) over() bool {
	switch {
	case !e.open:
		return false
	case e.at-e.turn > longestTurn:
		return true
	case e.held:
		return false
	case e.releaseAt > 0:
		return e.at >= e.releaseAt
	case e.speaking:
		return false
	}
	if !e.guessed {
		e.guessed, e.act = true, ""
		if len(e.words) > 0 {
			e.act = e.guess(texts(e.words))
		}
	}
	over, _ := e.turns.Over(e.at, texts(e.words), e.act)
	return over
}

// interrupts reports whether what is being said interrupts the patient.
func (e *ear) interrupts() bool {
	return e.open && e.turns.Interrupts(e.at, texts(e.words))
}

// end ends the turn and returns what was said in it. Without words, there is nothing.
func (e *ear) end() (h heard, err error) {
	last, err := e.stream.End()
	if err != nil {
		return h, fmt.Errorf("recognise: %w", err)
	}
	h = heard{From: e.began, To: e.loudAt, Words: e.gather(last), Best: last.Best}
	for _, p := range slices.Backward(e.pieces) { // the best of each, before the last
		for i := range h.Best {
			h.Best[i] = append(texts(p.Words), h.Best[i]...)
		}
		if len(h.Best) == 0 && len(p.Words) > 0 {
			h.Best = [][]string{texts(p.Words)}
		}
	}
	if len(h.Words) > 0 {
		h.From = h.Words[0].From
		h.To = max(h.To, h.From)
	}
	e.rest()
	return h, nil
}

// drop ends the turn and forgets what was said in it.
func (e *ear) drop() error {
	if !e.open {
		return nil
	}
	_, err := e.stream.End()
	e.rest()
	if err != nil {
		return fmt.Errorf("recognise: %w", err)
	}
	return nil
}

// rest waits for the next turn.
func (e *ear) rest() {
	e.turns.Next()
	e.open, e.releaseAt, e.guessed, e.pieces, e.words = false, 0, false, nil, nil
}

// hold follows the button to talk.
func (e *ear) hold(on bool, at float64) {
	e.releaseAt = 0
	if e.open && e.held && !on {
		e.releaseAt = at
	}
	e.held = on
}

func texts(words []asr.Word) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = w.Text
	}
	return list
}
