package signaling

import (
	"context"
	"log/slog"
	"sync"

	"bedside/store"
)

// announcer publishes a room's state to Presence without making the room wait. States that are
// superseded before they were published are skipped. Its room owns it.
type announcer struct {
	presence Presence
	log      *slog.Logger

	mu     sync.Mutex
	latest *store.RoomInfo // not published yet; guarded by mu
	closed string          // the room's id once it is closed; guarded by mu
	wake   chan struct{}
	done   chan struct{}
}

// newAnnouncer starts the announcer's goroutine, which ends after Close or with ctx.
func newAnnouncer(ctx context.Context, p Presence, log *slog.Logger) *announcer {
	a := &announcer{presence: p, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go a.run(ctx)
	return a
}

// publish sets the state to publish next. It does not block.
func (a *announcer) publish(info store.RoomInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latest = &info
	signal(a.wake)
}

// Close publishes that the room is closed, then ends the announcer. It does not wait: Done does.
func (a *announcer) Close(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = id
	signal(a.wake)
}

// Done is closed when the announcer has ended.
func (a *announcer) Done() <-chan struct{} { return a.done }

func (a *announcer) run(ctx context.Context) {
	defer close(a.done)
	for opened := false; ; {
		select {
		case <-a.wake:
		case <-ctx.Done():
			return
		}
		if ctx.Err() != nil { // both came together: a room that another node has is not removed
			return
		}
		a.mu.Lock()
		info, closed := a.latest, a.closed
		a.latest = nil
		a.mu.Unlock()
		switch {
		case closed != "":
			a.logIfErr("closed", a.presence.RoomClosed(ctx, closed))
			return
		case info != nil && opened:
			a.logIfErr("updated", a.presence.RoomUpdated(ctx, *info))
		case info != nil:
			a.logIfErr("opened", a.presence.RoomOpened(ctx, *info))
			opened = true
		}
	}
}

// logIfErr logs a state that was not published. Presence itself refreshes rooms later.
func (a *announcer) logIfErr(state string, err error) {
	if err != nil {
		a.log.Warn("the room's presence was not published", "state", state, "error", err)
	}
}

// signal wakes the goroutine that receives from a channel of capacity 1.
func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
