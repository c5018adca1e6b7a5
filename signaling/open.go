package signaling

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"
)

// opening is a room that is being opened. Other joins to the same attempt wait until done is
// closed.
type opening struct {
	done chan struct{}
	lost bool  // another node has taken the room's lease; guarded by the hub's mu
	room *room // once it is open; guarded by the hub's mu
}

// liveRoom returns the room of an attempt, and opens it if necessary. It returns errRoomClosed
// for an attempt that has ended, errOtherNode for one whose room another node holds, a clientError
// if by may not open another room, sfu.ErrDraining once the hub drains, and the errors of
// Presence, of Attempts and of the media node.
func (h *Hub) liveRoom(ctx context.Context, attemptID string, by store.Opener) (*room, error) {
	for {
		r, o, first, err := h.findRoom(attemptID)
		switch {
		case err != nil || r != nil:
			return r, err
		case first:
			return h.openRoom(ctx, attemptID, by, o)
		}
		select { // look again once another join has opened the room, or has failed
		case <-o.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// findRoom returns the live room of an attempt, or its opening. If there is neither, it begins
// one; first is then true, and the caller opens the room.
func (h *Hub) findRoom(attemptID string) (r *room, o *opening, first bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.rooms[attemptID]; r != nil {
		return r, nil, false, nil
	}
	if o := h.opening[attemptID]; o != nil {
		return nil, o, false, nil
	}
	if h.draining {
		return nil, nil, false, sfu.ErrDraining
	}
	o = &opening{done: make(chan struct{})}
	h.opening[attemptID] = o
	return nil, o, true, nil
}

// openRoom takes the lease of an attempt's room and opens the room.
func (h *Hub) openRoom(ctx context.Context, attemptID string, by store.Opener,
	o *opening) (r *room, err error) {
	leased := false
	defer func() {
		if err != nil && leased {
			h.releaseLease(attemptID)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.opening, attemptID)
		close(o.done)
	}()
	fence, err := h.env.presence.Acquire(ctx, attemptID, by,
		func() { h.leaseLost(attemptID, o) })
	if err != nil {
		return nil, h.notAcquired(err)
	}
	leased = true
	// Nobody but this node changes the attempt from now on.
	attempt, scenario, err := h.attempts.Attempt(ctx, attemptID)
	if err != nil {
		return nil, err
	}
	if !attempt.Joinable() {
		return nil, errRoomClosed
	}
	last, patient := h.lastClock(ctx, attempt, scenario), h.lastPatient(ctx, attempt)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.draining:
		return nil, sfu.ErrDraining
	case o.lost:
		leased = false
		return nil, errOtherNode
	}
	media, err := h.openMedia(attemptID)
	if err != nil {
		return nil, err
	}
	attempt.Fence = fence
	r = openRoom(h.env, attempt, scenario, last, patient, media)
	h.rooms[attemptID], o.room = r, r
	h.roomsChanged()
	h.metrics.rooms.Inc()
	return r, nil
}

// notAcquired returns the error for the client whose join did not get the room's lease.
func (h *Hub) notAcquired(err error) error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return errOtherNode
	case errors.Is(err, store.ErrAccountRooms):
		return fatalError(protocol.CodeTooManyRooms, fmt.Sprintf(
			"you have %d role plays open; end one of them, or wait two minutes after leaving it",
			h.cfg.RoomsPerAccount))
	case errors.Is(err, store.ErrAddressRooms):
		return fatalError(protocol.CodeTooManyRooms, fmt.Sprintf(
			"%d role plays are open from your network; try again when one of them has ended",
			h.cfg.RoomsPerAddress))
	}
	return err
}

// leaseLost stops the room of an opening, whose lease another node has taken. Presence calls it.
func (h *Hub) leaseLost(attemptID string, o *opening) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.lost = true
	if r := o.room; r != nil && r == h.rooms[attemptID] { // not one opened since
		r.post(r.stopForOtherNode)
	}
}

// releaseLimit is how long a room waits for the release of its lease, which otherwise expires.
const releaseLimit = 2 * time.Second

func (h *Hub) releaseLease(attemptID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), releaseLimit)
	defer cancel()
	if err := h.env.presence.Release(ctx, attemptID); err != nil {
		h.log.Debug("a lease was not released and expires", "room", attemptID, "error", err)
	}
}

// lastClock returns the clock of an attempt's play, if an earlier process has begun it. It is
// called before the room's tap is open. Without an answer from the log, the clock counts as never
// stopped.
func (h *Hub) lastClock(ctx context.Context, a store.Attempt,
	sc store.Scenario) store.PlayClock {
	play := time.Duration(sc.PlaySeconds) * time.Second
	if a.State != store.AttemptPlaying || a.StartedAt == nil {
		return store.PlayClock{Left: play}
	}
	last, ok, err := h.env.audio.LastClock(ctx, a.ID)
	if err != nil {
		h.log.Warn("cannot look up how much of a play is left", "attempt", a.ID, "error", err)
	}
	if err != nil || !ok {
		last.Left = leftOf(play, *a.StartedAt, time.Now())
	}
	last.Left = min(last.Left, play)
	return last
}

// lastPatient returns the automatic patient of an attempt's play, if an earlier process has begun
// it. Without an answer from the log, the patient begins anew.
func (h *Hub) lastPatient(ctx context.Context, a store.Attempt) PatientState {
	if a.State != store.AttemptPlaying {
		return PatientState{}
	}
	last, err := h.env.patients.LastPatient(ctx, a.ID)
	if err != nil {
		h.log.Warn("cannot look up what the patient of a play knows", "attempt", a.ID,
			"error", err)
	}
	return last
}
