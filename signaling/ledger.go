package signaling

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"bedside/store"
	"bedside/store/wait"
)

// ledger carries out what a room must have written down, one entry after the other, trying again
// while a part is away: a role play does not wait for a database. Its room owns it; Close waits
// until it is empty.
type ledger struct {
	name string
	log  *slog.Logger
	// an entry failed for the first time, or for good; called by the ledger's goroutine
	trouble func(entry string, givenUp bool)

	mu      sync.Mutex
	entries []entry // guarded by mu
	closed  bool    // guarded by mu
	wake    chan struct{}
	done    chan struct{}
}

type entry struct {
	what string
	do   func(context.Context) error
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 3 * time.Second
	callLimit  = 10 * time.Second
	logEvery   = 20 // tries that fail
)

// newLedger starts the ledger's goroutine; ctx ends the trying.
func newLedger(ctx context.Context, name string, log *slog.Logger,
	trouble func(entry string, givenUp bool)) *ledger {
	l := &ledger{
		name: name, log: log, trouble: trouble, wake: make(chan struct{}, 1),
		done: make(chan struct{}),
	}
	go l.run(ctx)
	return l
}

// add puts an entry at the end.
func (l *ledger) add(what string, do func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, entry{what, do})
	l.notify()
}

// Close lets the ledger end once it is empty. It does not wait; Done tells.
func (l *ledger) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.notify()
}

// Done is closed when the ledger has ended.
func (l *ledger) Done() <-chan struct{} { return l.done }

func (l *ledger) notify() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *ledger) next() (e entry, ok, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) == 0 {
		return e, false, l.closed
	}
	e, l.entries = l.entries[0], l.entries[1:]
	return e, true, false
}

func (l *ledger) run(ctx context.Context) {
	defer close(l.done)
	for {
		e, ok, ended := l.next()
		switch {
		case ended:
			return
		case !ok:
			select {
			case <-l.wake:
			case <-ctx.Done():
				return
			}
		default:
			l.carryOut(ctx, e)
		}
	}
}

// carryOut does one entry, again and again while the part it needs is away.
func (l *ledger) carryOut(ctx context.Context, e entry) {
	pause := firstRetry
	for try := 1; ; try, pause = try+1, min(2*pause, lastRetry) {
		limited, cancel := context.WithTimeout(ctx, callLimit)
		err := e.do(limited)
		cancel()
		switch {
		case err == nil && try == 1:
			return
		case err == nil:
			l.log.Info("done at last", "ledger", l.name, "entry", e.what, "tries", try)
			return
		case ctx.Err() != nil || permanent(err):
			l.log.Error("given up", "ledger", l.name, "entry", e.what, "tries", try, "error", err)
			l.trouble(e.what, true)
			return
		case try == 1:
			l.trouble(e.what, false)
			fallthrough
		case try%logEvery == 0:
			l.log.Warn("trying again", "ledger", l.name, "entry", e.what, "tries", try, "error",
				err)
		}
		_ = wait.For(ctx, pause) // the next try finds that ctx has ended
	}
}

// permanent errors are answers, not outages.
func permanent(err error) bool {
	return errors.Is(err, store.ErrState) || errors.Is(err, store.ErrNotFound) ||
		errors.Is(err, store.ErrInvalid) || errors.Is(err, store.ErrForbidden)
}
