package bus

import (
	"sync"
	"time"

	"bedside/speech/frame"
)

// ringFrames is the number of frames that a ring holds: half a minute of 20 ms frames. While NATS
// takes no messages, older ones go into the backlog.
const ringFrames = 1500

// ring holds one speaker's frames between the media path, which puts them in, and the tap, which
// takes them out. A full ring drops its oldest frame and counts it. The lock is held only to copy
// one packet or one batch.
type ring struct {
	speaker string
	backlog *backlog // older than what the ring holds

	mu      sync.Mutex // guards all below
	slots   []frame.Frame
	first   int
	length  int
	dropped int // since the last take
}

func newRing(speaker string) *ring {
	return &ring{speaker: speaker, slots: make([]frame.Frame, ringFrames)}
}

// put copies a frame into the ring and reports whether one was dropped. It allocates only when a
// slot's payload is larger than all before it.
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
	slot.Epoch, slot.Sequence, slot.Timestamp = epoch, sequence, timestamp
	slot.Arrival = arrival.UnixMicro()
	slot.Payload = append(slot.Payload[:0], payload...)
	r.length++
	return dropped
}

// take removes up to limit of the oldest frames and appends their batch to dst. It returns how
// many frames are in it, and how many the batch says were dropped before them. It returns dst
// unchanged if there are neither frames nor drops.
func (r *ring) take(dst []byte, limit int) (out []byte, frames, dropped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.length == 0 && r.dropped == 0 {
		return dst, 0, 0
	}
	dropped = r.dropped
	// A batch ends at the end of the slots; the next one starts at their beginning.
	frames = min(limit, r.length, len(r.slots)-r.first)
	out = frame.Batch{Dropped: r.dropped, Frames: r.slots[r.first : r.first+frames]}.Append(dst)
	r.first, r.length, r.dropped = (r.first+frames)%len(r.slots), r.length-frames, 0
	return out, frames, dropped
}

// lose counts frames as dropped that were taken but could not be published.
func (r *ring) lose(frames int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropped += frames
}

// discard drops all frames and returns their number.
func (r *ring) discard() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.length
	r.dropped += n
	r.first, r.length = 0, 0
	return n
}

// waiting returns the number of frames in the ring.
func (r *ring) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.length
}

// holds reports whether frames wait in the ring or its backlog.
func (r *ring) holds() bool { return r.waiting() > 0 || !r.backlog.isEmpty() }
