package signaling

import (
	"context"
	"errors"
)

// Drain makes the hub refuse rooms that are not open here, for good, so that the process can be
// stopped once Live returns 0. Open rooms go on: people may still join and resume there.
func (h *Hub) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
	for _, r := range h.rooms {
		r.post(r.drain)
	}
}

// Live returns the number of open rooms, and a channel that is closed when it changes.
func (h *Hub) Live() (rooms int, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rooms), h.changed
}

// roomsChanged wakes those who wait for a change of Live. The caller holds mu.
func (h *Hub) roomsChanged() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// Move drains the hub and refuses new sockets. It leaves every role play to another server, or to
// this one after its restart: nothing of it is lost, and its participants are told to join again.
// It returns when no room is left here. If ctx ends first, it cuts the rest off and returns an
// error.
func (h *Hub) Move(ctx context.Context) error {
	h.mu.Lock()
	h.draining, h.closing = true, true
	h.beginClose()
	for _, r := range h.rooms {
		r.post(r.move)
	}
	h.mu.Unlock()
	for {
		rooms, changed := h.Live()
		if rooms == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			h.cancel()
			return errors.Join(errors.New("rooms were cut off before everything was stored"),
				context.Cause(ctx))
		}
	}
}
