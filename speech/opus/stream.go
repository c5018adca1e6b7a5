package opus

import "math"

const (
	// reorderWindow is how many sequence numbers a missing frame is waited for: 640 ms of 20 ms
	// frames, time for several retransmissions.
	reorderWindow = 32
	// patience bounds the same wait in arrival time, for senders that pause.
	patience = ClockRate

	// anchorFrames and anchorTime are how much of a stream its place on the time line is found
	// from.
	anchorFrames = 50
	anchorTime   = 2 * ClockRate

	// sequence numbers that may be missing in a row, as RFC 3550 suggests: a minute of 20 ms
	// frames
	maxSkip = 3000
	maxBack = 1000 // sequence numbers by which a frame may be out of order

	// A stream whose frames arrive this much after their place, all by the same amount, was
	// stopped at its source.
	stallFrames = 50
	stallLag    = ClockRate
	stallSpread = ClockRate / 5
)

// verdict says how a frame relates to its stream.
type verdict int

const (
	fits verdict = iota
	repeated
	late
	strange // its numbers cannot belong to the stream
)

// waiting is a frame in the reorder window.
type waiting struct {
	seq     int64
	rel     int64 // its timestamp, from the stream's first frame on, at 48 kHz
	at      int64 // on the time line; set when it is popped
	arrival int64
	samples int // 0: only its sequence number counts
	payload []byte
}

// stream is one run of consecutive sequence numbers and timestamps: an epoch, or a part of it.
// Both are unwrapped relative to the most advanced frame. Timestamps are placed on the time line
// by shift, the smallest difference between arrival and timestamp among the first anchorFrames
// frames (or those of the first anchorTime); nothing is given before it is known.
//
// When a source stops without its timestamps going on (a phone call, a sleeping laptop), all
// later frames are late by the same amount. After stallFrames of them later frames are moved by
// it; frames that catch up after a slow network are not.
type stream struct {
	seq      int64 // of the most advanced frame
	seq16    uint16
	ts       uint32
	rel      int64 // of the most advanced frame, with the stalls so far
	shift    int64
	anchored bool
	accepted int
	began    int64     // arrival of the first frame
	now      int64     // latest arrival
	queue    []waiting // by seq
	next     int64     // the sequence number to be given next, once anchored
	given    [1024]int64

	lags             int
	leastLag, topLag int64
}

// newStream begins a stream with a frame, which is still to be accepted.
func newStream(x arrived) *stream {
	const base = 1 << 32 // room for earlier frames; never 0, which given is filled with
	return &stream{
		seq: base, seq16: x.Sequence, ts: x.Timestamp, shift: math.MaxInt64, began: x.at,
		leastLag: math.MaxInt64, topLag: math.MinInt64, next: math.MinInt64,
	}
}

// numbers unwraps a frame's sequence number and timestamp.
func (s *stream) numbers(x arrived) (seq, rel int64) {
	return s.seq + int64(int16(x.Sequence-s.seq16)), s.rel + int64(int32(x.Timestamp-s.ts))
}

func (s *stream) judge(x arrived) verdict {
	seq, rel := s.numbers(x)
	steps, passed, early := seq-s.seq, rel-s.rel, rel+s.shift+int64(x.samples)-x.at
	switch {
	case steps > maxSkip, steps < -maxBack, passed < -maxBack*maxDuration, early > ahead:
		return strange
	case steps > 0 && passed < steps*tick, steps < 0 && passed > steps*tick, steps == 0 &&
		passed != 0:
		return strange // no frame is shorter than a tick
	case steps == 0 || s.given[seq%int64(len(s.given))] == seq || s.queued(seq):
		return repeated
	case seq < s.next:
		s.given[seq%int64(len(s.given))] = seq // once more, it is repeated
		return late
	}
	return fits
}

func (s *stream) queued(seq int64) bool {
	i := s.index(seq)
	return i < len(s.queue) && s.queue[i].seq == seq
}

// index is where a sequence number is, or would be, in the queue. Frames mostly come in order, so
// it looks from the end.
func (s *stream) index(seq int64) int {
	i := len(s.queue)
	for i > 0 && s.queue[i-1].seq >= seq {
		i--
	}
	return i
}

// accept takes a frame that fits.
func (s *stream) accept(x arrived) {
	seq, rel := s.numbers(x)
	s.now = max(s.now, x.at)
	s.insert(waiting{seq: seq, rel: rel, arrival: x.at, samples: x.samples, payload: x.Payload})
	if seq >= s.seq {
		s.seq, s.seq16, s.ts, s.rel = seq, x.Sequence, x.Timestamp, rel
		if s.anchored {
			s.watch(x.at - rel - s.shift)
		}
	}
	if s.anchored {
		return
	}
	s.accepted++
	s.shift = min(s.shift, x.at-rel)
	if s.accepted >= anchorFrames || s.now-s.began > anchorTime {
		s.anchor()
	}
}

// skip reserves the sequence number of a malformed frame, so that it is not taken for lost.
func (s *stream) skip(seq16 uint16) {
	steps := int64(int16(seq16 - s.seq16))
	seq := s.seq + steps
	if steps >= -maxBack && steps <= reorderWindow && seq >= s.next && !s.queued(seq) {
		s.insert(waiting{seq: seq, arrival: s.now})
	}
}

func (s *stream) insert(w waiting) {
	i := s.index(w.seq)
	s.queue = append(s.queue, waiting{})
	copy(s.queue[i+1:], s.queue[i:])
	s.queue[i] = w
}

// anchor fixes the stream's place on the time line.
func (s *stream) anchor() {
	s.anchored = true
	s.shift = floorTick(s.shift)
	for len(s.queue) > 1 && s.queue[0].samples == 0 {
		s.queue = s.queue[1:]
	}
	s.next = s.queue[0].seq
}

// watch finds stalls, see stream.
func (s *stream) watch(lag int64) {
	s.lags++
	s.leastLag, s.topLag = min(s.leastLag, lag), max(s.topLag, lag)
	if s.lags < stallFrames {
		return
	}
	if s.leastLag > stallLag && s.topLag-s.leastLag < stallSpread {
		s.rel += floorTick(s.leastLag)
	}
	s.lags, s.leastLag, s.topLag = 0, math.MaxInt64, math.MinInt64
}

// pop gives the next frame in order and how many sequence numbers are missing before it, if it
// need not wait for them any longer.
func (s *stream) pop(all bool) (w waiting, missing int, ok bool) {
	if len(s.queue) == 0 {
		return w, 0, false
	}
	if !s.anchored {
		if !all {
			return w, 0, false
		}
		s.anchor()
	}
	w = s.queue[0]
	newest := s.queue[len(s.queue)-1].seq
	if w.seq > s.next && !all && newest-s.next < reorderWindow && s.now-w.arrival < patience {
		return w, 0, false
	}
	missing = int(w.seq - s.next)
	s.queue = s.queue[:copy(s.queue, s.queue[1:])]
	s.next = w.seq + 1
	s.given[w.seq%int64(len(s.given))] = w.seq
	w.at = floorTick(w.rel+tick/2) + s.shift
	return w, missing, true
}
