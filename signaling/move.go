package signaling

import (
	"context"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"

	"github.com/coder/websocket"
)

// handOverLimit is how long participants stay in a room that moves, until what it has to store is
// stored and the room is released. After it they are sent away all the same.
const handOverLimit = 5 * time.Second

const movingWords = "the server is being restarted; you will be back in a moment"

// drain makes the room end as soon as nobody is in it. A play that waits for its candidate after a
// restart is not waited for: it moves.
func (r *room) drain() {
	r.draining = true
	if r.stage.name == protocol.PhasePlaying && !r.seats.candidatePresent() {
		r.move()
	}
}

// move leaves the role play to another server, or to this one after its restart. It stops the
// clock, stores everything, without an end of the audio, releases the room, and then sends
// everybody away, to come back with a new ticket. A role play that has ended stays so. The room
// then ends by itself.
func (r *room) move() {
	if r.closing || r.lost {
		return
	}
	r.closing = true
	if r.stage.name == protocol.PhaseEnded {
		r.closeSockets(protocol.Closing{Reason: roleplayOver}, websocket.StatusNormalClosure,
			roleplayOver, nil)
		return
	}
	r.env.metrics.moved.Inc()
	r.automatic.leave("the room moves")
	r.changeStage(func(s *stage, now time.Time) { s.suspend(now) })
	if r.tap != nil {
		r.tap.Moved(time.Now())
		r.tap = nil
		r.media.StopTap()
		r.audio.add("suspend audio", func(ctx context.Context) error {
			return r.env.audio.Suspend(ctx, r.id)
		})
	}
	r.env.running.Go(r.handOver)
}

// handOver waits until everything is stored, then releases the room, then has everybody sent away:
// those who come back find the room free and its state complete. It runs in a goroutine of its own
// and takes handOverLimit at most.
func (r *room) handOver() {
	limit := time.NewTimer(handOverLimit)
	defer limit.Stop()
	r.audio.Close()
	r.records.Close()
	if waitFor(limit.C, r.audio.Done(), r.records.Done()) {
		r.announcer.Close(r.id)
		waitFor(limit.C, r.announcer.Done())
		r.env.release(r.id)
	}
	r.post(func() {
		r.closeSockets(protocol.Moving{Reason: movingWords}, websocket.StatusServiceRestart,
			movingWords, sfu.ErrDraining)
	})
}

// waitFor waits until all channels are closed. It returns false if limit comes first.
func waitFor(limit <-chan time.Time, all ...<-chan struct{}) bool {
	for _, done := range all {
		select {
		case <-done:
		case <-limit:
			return false
		}
	}
	return true
}
