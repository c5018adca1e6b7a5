package bus

import (
	"sync"
	"time"

	"bedside/speech/frame"
)

// ringFrames is how many frames wait for a log that is away: half a minute of 20 ms frames.
const ringFrames = 1500

// ring holds one speaker's frames between the media path, which puts, and the tap, which takes.
// Full, it drops the oldest and counts. Its lock is held for the copying of one packet, or of one
// batch.
type ring struct {
	speaker string

	mu      sync.Mutex // guards all below
	slots   []frame.Frame
	first   int
	length  int
	dropped int // since the last take
}

func newRing(speaker string) *ring {
	return &ring{speaker: speaker, slots: make([]frame.Frame, ringFrames)}
}

// put copies a frame in. It allocates only while a slot sees its largest payload yet.
func (r *ring) put(epoch, sequence uint16, timestamp uint32, arrival time.Time,
	payload []byte) (dropped bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(payload) > frame.MaxPayload {
		r.dropped++
		return true
	}
	if dropped = r.length == len(r.slots); dropped {
		r.first = (r.first + 1) % len(r.slots)
		r.length--
		r.dropped++
	}
	slot := &r.slots[(r.first+r.length)%len(r.slots)]
	slot.Epoch, slot.Sequence, slot.Timestamp, slot.Arrival = epoch, sequence, timestamp, arrival.UnixMicro()
	slot.Payload = append(slot.Payload[:0], payload...)
	r.length++
	return dropped
}

// take removes up to limit of the oldest frames and adds their batch to dst. No frames and no
// drops: dst stays as it was.
func (r *ring) take(dst []byte, limit int) (out []byte, frames int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.length == 0 && r.dropped == 0 {
		return dst, 0
	}
	// The slots taken may lie around the ring's end; a batch then ends there and the next begins
	// at its start.
	frames = min(limit, r.length, len(r.slots)-r.first)
	out = frame.Batch{Dropped: r.dropped, Frames: r.slots[r.first : r.first+frames]}.Append(dst)
	r.first, r.length, r.dropped = (r.first+frames)%len(r.slots), r.length-frames, 0
	return out, frames
}

func (r *ring) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.length
}
