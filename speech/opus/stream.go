package opus

import "math"

const (
	// reorderWindow is the number of sequence numbers for which the stream waits for a missing
	// frame: 640 ms of 20 ms frames, time for several retransmissions.
	reorderWindow = 32
	// reorderTime limits the same wait in arrival time, for senders that pause.
	reorderTime = ClockRate

	// The first anchorFrames frames of a stream, or those of its first anchorTime, decide its
	// position on the time line.
	anchorFrames = 50
	anchorTime   = 2 * ClockRate

	// maxSkip is the largest jump forwards in sequence numbers, as RFC 3550 suggests: a minute of
	// 20 ms frames. maxBack is the largest jump backwards.
	maxSkip = 3000
	maxBack = 1000

	// A source has stalled when stallFrames frames in a row arrive more than stallLag behind their
	// position, and their lags differ by less than stallSpread.
	stallFrames = 50
	stallLag    = ClockRate
	stallSpread = ClockRate / 5
)

// relation is how a frame relates to its stream.
type relation int

const (
	inStream relation = iota
	duplicate
	late
	outlier // its numbers are impossible in this stream
)

// waiting is a frame in the reorder window.
type waiting struct {
	seq     int64
	rel     int64 // timestamp relative to the stream's first frame, at 48 kHz
	at      int64 // position on the time line; set by pop
	arrival int64
	samples int // 0: malformed or padding; only its sequence number counts
	payload []byte
}

// stream is one run of consecutive sequence numbers and timestamps: an epoch, or a part of one.
// Both wrap around, and are unwrapped relative to the most advanced frame.
//
// A frame's position on the time line is its timestamp plus shift. shift is the smallest
// difference between arrival and timestamp among the first anchorFrames frames (or those of the
// first anchorTime), that of the frame that the network delayed least. No frame is popped before
// shift is known.
//
// When a source stalls and its timestamps stand still (a phone call, a sleeping laptop), all later
// frames lag by the same amount. After stallFrames such frames, later ones are moved by the lag.
// Frames that catch up after a slow network have varying lags and are not moved.
type stream struct {
	seq      int64 // of the most advanced frame
	seq16    uint16
	ts       uint32
	rel      int64 // of the most advanced frame, with the stalls so far
	shift    int64
	anchored bool
	accepted int
	began    int64     // arrival of the first frame
	now      int64     // the latest arrival
	queue    []waiting // by seq
	first    int64     // sequence number of the first frame popped, once anchored
	next     int64     // sequence number to pop next, once anchored
	emitted  [1024]int64

	lags             int
	leastLag, topLag int64
}

// newStream returns a stream that starts at a frame. The caller accepts that frame afterwards.
func newStream(x arrived) *stream {
	const base = 1 << 32 // room for earlier frames; never 0, the initial value in emitted
	return &stream{
		seq: base, seq16: x.Sequence, ts: x.Timestamp, shift: math.MaxInt64, began: x.at,
		leastLag: math.MaxInt64, topLag: math.MinInt64, next: math.MinInt64,
	}
}

// numbers unwraps a frame's sequence number and timestamp.
func (s *stream) numbers(x arrived) (seq, rel int64) {
	return s.seq + int64(int16(x.Sequence-s.seq16)), s.rel + int64(int32(x.Timestamp-s.ts))
}

// classify compares a frame's numbers with those of the stream.
func (s *stream) classify(x arrived) relation {
	seq, rel := s.numbers(x)
	steps, passed, early := seq-s.seq, rel-s.rel, rel+s.shift+int64(x.samples)-x.at
	switch {
	case steps > maxSkip, steps < -maxBack, passed < -maxBack*maxDuration, early > maxAhead:
		return outlier
	case steps > 0 && passed < steps*tick, steps < 0 && passed > steps*tick, steps == 0 &&
		passed != 0:
		return outlier // no frame is shorter than a tick
	case steps == 0 || s.emitted[seq%int64(len(s.emitted))] == seq || s.queued(seq):
		return duplicate
	case seq < s.next:
		s.emitted[seq%int64(len(s.emitted))] = seq // the same frame again is a duplicate
		return late
	}
	return inStream
}

// precedes reports whether a frame that is late comes before all frames of the stream.
func (s *stream) precedes(x arrived) bool {
	seq, _ := s.numbers(x)
	return s.anchored && seq < s.first
}

func (s *stream) queued(seq int64) bool {
	i := s.index(seq)
	return i < len(s.queue) && s.queue[i].seq == seq
}

// index returns the position of a sequence number in the queue, or where to insert it. Frames
// mostly arrive in order, so it searches from the end.
func (s *stream) index(seq int64) int {
	i := len(s.queue)
	for i > 0 && s.queue[i-1].seq >= seq {
		i--
	}
	return i
}

// accept adds a frame that classify has found inStream.
func (s *stream) accept(x arrived) {
	seq, rel := s.numbers(x)
	s.now = max(s.now, x.at)
	s.insert(waiting{seq: seq, rel: rel, arrival: x.at, samples: x.samples, payload: x.Payload})
	if seq >= s.seq {
		s.seq, s.seq16, s.ts, s.rel = seq, x.Sequence, x.Timestamp, rel
		if s.anchored {
			s.detectStall(x.at - rel - s.shift)
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

// skip reserves the sequence number of a malformed frame or of padding, so that it does not count
// as lost.
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

// anchor fixes the stream's position on the time line.
func (s *stream) anchor() {
	s.anchored = true
	s.shift = floorTick(s.shift)
	for len(s.queue) > 1 && s.queue[0].samples == 0 {
		s.queue = s.queue[1:]
	}
	s.first = s.queue[0].seq
	s.next = s.first
}

// detectStall finds stalls of the source, see stream.
func (s *stream) detectStall(lag int64) {
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

// pop removes the next frame in order and returns it with the number of sequence numbers missing
// before it. ok is false when it must still wait for those. With all set, it waits for none.
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
	if w.seq > s.next && !all && newest-s.next < reorderWindow && s.now-w.arrival < reorderTime {
		return w, 0, false
	}
	missing = int(w.seq - s.next)
	s.queue = s.queue[:copy(s.queue, s.queue[1:])]
	s.next = w.seq + 1
	s.emitted[w.seq%int64(len(s.emitted))] = w.seq
	w.at = floorTick(w.rel+tick/2) + s.shift
	return w, missing, true
}
