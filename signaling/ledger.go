package signaling

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"bedside/store"
	"bedside/store/wait"
)

// ledger runs a room's writes to one part of the system (the database, the bus) in order, and
// retries each while that part is unavailable, so that a role play does not wait for it. Its room
// owns it. It ends once it is closed and empty.
type ledger struct {
	name string
	log  *slog.Logger
	// onFailure is called by the ledger's goroutine when an entry has failed for the first time
	// and when it is given up
	onFailure func(entry string, givenUp bool)

	mu      sync.Mutex
	entries []entry // guarded by mu
	closed  bool    // guarded by mu
	wake    chan struct{}
	done    chan struct{}
}

type entry struct {
	name string
	do   func(context.Context) error
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 3 * time.Second
	callLimit  = 10 * time.Second
	logEvery   = 20 // failed tries between two log lines
)

// newLedger starts the ledger's goroutine. When ctx ends, what is left is given up.
func newLedger(ctx context.Context, name string, log *slog.Logger,
	onFailure func(entry string, givenUp bool)) *ledger {
	l := &ledger{
		name: name, log: log, onFailure: onFailure, wake: make(chan struct{}, 1),
		done: make(chan struct{}),
	}
	go l.run(ctx)
	return l
}

// add appends an entry. It does not block.
func (l *ledger) add(name string, do func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, entry{name, do})
	signal(l.wake)
}

// Close ends the ledger once it is empty. It does not wait: Done does.
func (l *ledger) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	signal(l.wake)
}

// Done is closed when the ledger has ended.
func (l *ledger) Done() <-chan struct{} { return l.done }

// next removes the first entry. ended reports that the ledger is closed and empty.
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
			l.runEntry(ctx, e)
		}
	}
}

// runEntry runs one entry until it succeeds, fails permanently, or ctx ends.
func (l *ledger) runEntry(ctx context.Context, e entry) {
	pause := firstRetry
	var err error
	for try := 1; ; try, pause = try+1, min(2*pause, lastRetry) {
		if ctx.Err() == nil {
			limited, cancel := context.WithTimeout(ctx, callLimit)
			err = e.do(limited)
			cancel()
		} else {
			err = cmp.Or(err, context.Cause(ctx))
		}
		switch {
		case err == nil && try == 1:
			return
		case err == nil:
			l.log.Info("ledger entry written after retries", "ledger", l.name, "entry", e.name,
				"tries", try)
			return
		case ctx.Err() != nil || permanent(err):
			l.log.Error("ledger entry given up", "ledger", l.name, "entry", e.name,
				"tries", try, "error", err)
			l.onFailure(e.name, true)
			return
		case try == 1:
			l.onFailure(e.name, false)
			fallthrough
		case try%logEvery == 0:
			l.log.Warn("ledger entry failed; retrying", "ledger", l.name, "entry", e.name,
				"tries", try, "error", err)
		}
		_ = wait.For(ctx, pause) // the next try finds that ctx has ended
	}
}

// permanent reports whether an error is an answer, which no retry changes, and not an outage.
func permanent(err error) bool {
	return errors.Is(err, store.ErrState) || errors.Is(err, store.ErrNotFound) ||
		errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrInvalid) ||
		errors.Is(err, store.ErrForbidden)
}
