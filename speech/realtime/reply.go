package realtime

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"bedside/speech/chat"
)

// Why a reply ends before its end.
var (
	errLate    = errors.New("the realtime API is late")
	errStalled = errors.New("the realtime API has stopped in the middle of a reply")
	errLong    = errors.New("the realtime API's reply is too long")
	errCut     = errors.New("the reply was cut off")
)

const (
	maxReply = 30 * rate // samples
	// piece is how much sound is passed on at a time at least: 200 ms.
	piece = 10
	// fastest is how many letters are said in 20 ms at most. Sound is passed on only as far as
	// that many letters of the transcript have been checked for each of its frames.
	fastest = 22.0 / 50
)

// Piece is a part of a reply: what to play next, and its words. Words and sound are not exactly
// the same part.
type Piece struct {
	Frames []Frame
	Text   string
}

// Reply is what the model says in a turn. One goroutine calls Next and Cut.
type Reply struct {
	turn   chat.Turn
	conn   *connection // nil: there was none
	count  func(result string)
	event  string // the event_id of its request
	began  time.Time
	limit  time.Duration // for the first piece
	stall  time.Duration // for the others
	passed int           // frames that Next has returned
	read   int           // bytes of the text that Next has returned

	mu      sync.Mutex // guards the fields below
	changed chan struct{}
	enc     *encoder
	item    string // the server's id of what is said
	samples int
	frames  []Frame
	text    strings.Builder
	written bool // the text is complete
	ended   bool
	err     error
}

// change tells Next that something has changed. The caller holds mu.
func (r *Reply) change() {
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *Reply) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
		r.change()
	}
}

func (r *Reply) addSound(item, delta string) error {
	samples, err := readPCM16(delta)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.samples += len(samples); r.samples > maxReply {
		return errLong
	}
	frames, err := r.enc.write(samples)
	if err != nil {
		return err
	}
	r.item = item
	r.frames = append(r.frames, frames...)
	r.change()
	return nil
}

func (r *Reply) addText(delta string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.written {
		return nil
	}
	r.text.WriteString(delta)
	r.change()
	if r.text.Len() > 4<<10 {
		return errLong
	}
	return nil
}

// endText ends the text. Some servers send it only now.
func (r *Reply) endText(all string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.text.Len() == 0 && len(all) <= 4<<10 {
		r.text.WriteString(all)
	}
	r.written = true
	r.change()
	return nil
}

// end ends the reply.
func (r *Reply) end(status string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	frames, err := r.enc.flush()
	r.frames = append(r.frames, frames...)
	switch {
	case r.err != nil:
	case err != nil:
		r.err = err
	case status != "completed":
		r.err = errors.New("the realtime API has broken off the reply")
	case len(r.frames) == 0:
		r.err = errors.New("the realtime API's reply has no sound")
	}
	r.written, r.ended = true, true
	r.change()
}

// Next returns the next piece, or io.EOF after the last one, with words that belong to the pieces
// before. It waits for it. After any other error the patient has to say its script, and nothing
// else of this reply follows.
func (r *Reply) Next(ctx context.Context) (Piece, error) {
	for {
		p, changed, err := r.take()
		if err != nil || len(p.Frames) > 0 {
			return p, r.over(err)
		}
		limit, late := r.limit-time.Since(r.began), errLate
		if r.passed > 0 {
			limit, late = r.stall, errStalled
		}
		timer := time.NewTimer(limit)
		select {
		case <-changed:
			timer.Stop()
		case <-timer.C:
			return Piece{}, r.over(late)
		case <-ctx.Done():
			timer.Stop()
			return Piece{}, r.over(context.Cause(ctx))
		}
	}
}

// take returns what may be passed on, or else a channel that is closed when there may be more.
func (r *Reply) take() (p Piece, changed <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return p, nil, r.err
	}
	said := r.text.String()
	if !r.written { // the last word may not be complete
		said = said[:strings.LastIndexByte(said, ' ')+1]
	}
	if said != "" || r.written {
		if err := r.check(said); err != nil {
			return p, nil, err
		}
	}
	ready := len(r.frames)
	if !r.written {
		ready = min(ready, int(float64(len(said))/fastest)-r.passed)
	}
	switch {
	case r.ended && len(r.frames) == 0:
		return Piece{Text: said[r.read:]}, nil, r.whole(said)
	case ready <= 0 || ready < piece && !r.ended:
		return p, r.changed, nil
	}
	p = Piece{Frames: r.frames[:ready:ready], Text: said[r.read:]}
	r.frames = r.frames[ready:]
	r.passed, r.read = r.passed+ready, len(said)
	return p, nil, nil
}

// check checks what is said so far. Nothing was passed on of a text that breaks a rule, but for
// the words before.
func (r *Reply) check(said string) error {
	if r.written && r.passed == 0 {
		return r.turn.Check(said)
	}
	return r.turn.CheckSoFar(said)
}

// whole returns io.EOF, or an error when the reply does not tell what it has to.
func (r *Reply) whole(said string) error {
	if err := r.turn.Check(said); err != nil {
		return err
	}
	return io.EOF
}

// over ends the reply when there is an error, and counts what became of it.
func (r *Reply) over(err error) error {
	failed := r.failed()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		r.count("said")
		return err
	case errors.Is(err, errLate), errors.Is(err, errStalled):
		r.count("late")
	case errors.Is(err, context.Canceled), errors.Is(err, errCut):
		r.count("cut")
	case failed:
		r.count("failed")
	default:
		r.count("refused")
	}
	r.fail(err)
	r.forget(r.passed)
	return err
}

// failed reports whether the API was at fault.
func (r *Reply) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err != nil
}

// Cut ends the reply because the candidate interrupts. frames is how many were played. The model
// knows only those then.
func (r *Reply) Cut(frames int) {
	r.count("cut")
	r.fail(errCut)
	r.forget(frames)
}

// forget makes the server stop, and forget what was not played.
func (r *Reply) forget(played int) {
	if r.conn == nil {
		return
	}
	r.mu.Lock()
	item, ended := r.item, r.ended
	r.mu.Unlock()
	if !ended {
		r.conn.send(object{"type": "response.cancel"})
	}
	if item != "" {
		r.conn.send(truncate(item, int64(played)*20))
	}
}
