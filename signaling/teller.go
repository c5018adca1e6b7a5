package signaling

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"bedside/speech/part"
	"bedside/store/wait"
)

const (
	tellLimit  = 500 * time.Millisecond // for an answer
	tellPause  = 100 * time.Millisecond // before the next try
	farewell   = 2 * time.Second        // for what is left when the actor is not needed any more
	maxNotices = 500                    // that wait for their answers
)

// teller tells an actor what happens in its room, in order. It repeats each notice until the actor
// has answered it. It belongs to its actor. Safe for concurrent use.
type teller struct {
	generation int
	send       func(context.Context, part.Told) (part.Reply, error)
	log        *slog.Logger
	stopped    chan struct{}
	stop       func() // ends run at once

	mu       sync.Mutex
	queue    []part.Told // guarded by mu
	last     int         // number; guarded by mu
	finished bool        // guarded by mu
	wake     chan struct{}
}

func newTeller(generation int, send func(context.Context, part.Told) (part.Reply, error),
	log *slog.Logger) *teller {
	t := &teller{
		generation: generation, send: send, log: log, stopped: make(chan struct{}),
		wake: make(chan struct{}, 1),
	}
	t.stop = sync.OnceFunc(func() { close(t.stopped) })
	return t
}

// tell appends a notice. It does not block. When the actor does not keep up, it drops what the
// browser's recogniser has heard, and in the end everything.
func (t *teller) tell(n part.Notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, heard := n.(part.Heard)
	if len(t.queue) >= maxNotices || heard && len(t.queue) >= maxNotices/10 {
		return
	}
	t.last++
	t.queue = append(t.queue, part.Told{Generation: t.generation, Number: t.last, Notice: n})
	signal(t.wake)
}

// finish makes run end when everything is told, or after a moment.
func (t *teller) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finished = true
	signal(t.wake)
}

// first returns the oldest notice. ended reports that there is none and comes none.
func (t *teller) first() (told part.Told, ok, ended bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return told, false, t.finished
	}
	return t.queue[0], true, false
}

// drop removes the oldest notice.
func (t *teller) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = t.queue[1:]
}

func (t *teller) isFinished() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.finished
}

// run tells until stop, until it is finished, or until ctx ends.
func (t *teller) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-t.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	var until time.Time // zero: not finished
	for ctx.Err() == nil {
		if until.IsZero() && t.isFinished() {
			until = time.Now().Add(farewell)
		}
		told, ok, ended := t.first()
		switch {
		case ended || !until.IsZero() && time.Now().After(until):
			return
		case ok:
			t.tellOnce(ctx, told)
		default:
			select {
			case <-t.wake:
			case <-ctx.Done():
			}
		}
	}
}

// tellOnce tries once to tell a notice, and removes it if the actor has answered, or no actor ever
// could.
func (t *teller) tellOnce(ctx context.Context, told part.Told) {
	limited, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	_, err := t.send(limited, told)
	switch {
	case err == nil:
		t.drop()
	case errors.Is(err, part.ErrMalformed):
		t.log.Error("an actor cannot be told something", "notice", told.Number, "error", err)
		t.drop()
	default:
		_ = wait.For(ctx, tellPause) // run sees that ctx has ended
	}
}
