package signaling

import (
	"context"
	"log/slog"
	"sync"

	"bedside/store"
)

// announcer tells presence how a room is, the latest state only, without the room waiting. Its
// room owns it.
type announcer struct {
	presence Presence
	log      *slog.Logger

	mu     sync.Mutex
	latest *store.RoomInfo // not told yet; guarded by mu
	closed string          // the room's id once it is closed; guarded by mu
	wake   chan struct{}
	done   chan struct{}
}

func newAnnouncer(ctx context.Context, p Presence, log *slog.Logger) *announcer {
	a := &announcer{presence: p, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go a.run(ctx)
	return a
}

// tell notes the state to be told.
func (a *announcer) tell(info store.RoomInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latest = &info
	a.notify()
}

// Close has the room told closed, then ends the announcer. It does not wait; Done tells.
func (a *announcer) Close(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = id
	a.notify()
}

// Done is closed when the announcer has ended.
func (a *announcer) Done() <-chan struct{} { return a.done }

func (a *announcer) notify() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *announcer) run(ctx context.Context) {
	defer close(a.done)
	for opened := false; ; {
		select {
		case <-a.wake:
		case <-ctx.Done():
			return
		}
		a.mu.Lock()
		info, closed := a.latest, a.closed
		a.latest = nil
		a.mu.Unlock()
		switch {
		case closed != "":
			a.warn("closed", a.presence.RoomClosed(ctx, closed))
			return
		case info != nil && opened:
			a.warn("updated", a.presence.RoomUpdated(ctx, *info))
		case info != nil:
			a.warn("opened", a.presence.RoomOpened(ctx, *info))
			opened = true
		}
	}
}

// warn notes what could not be told; presence tells rooms again by itself.
func (a *announcer) warn(what string, err error) {
	if err != nil {
		a.log.Warn("presence was not told", "what", what, "error", err)
	}
}
