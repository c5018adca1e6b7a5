package opus

import (
	"time"

	"bedside/speech/frame"
)

const (
	// MaxTimeline is where a time line ends at the latest. What claims a later place is counted
	// as corrupt.
	MaxTimeline = 2 * time.Hour
	timelineEnd = int64(MaxTimeline/time.Second) * ClockRate

	// ahead is by how much a frame's place may be later than its arrival. A stream's clock and
	// the network's delay vary by less.
	ahead = 2 * ClockRate
	// suspectRun is how many frames that fit one another, but not their stream, begin it anew.
	suspectRun = 3
)

// Assembler turns one speaker's frames, as they came over the network, into one continuous
// sequence of packets on the time line that begins at the attempt's start. It puts frames in
// order, drops what comes twice or too late, and closes every gap with fillers: those that stand
// for missing sequence numbers are marked lost; where sequence numbers go on and only time has
// passed (discontinuous transmission, a stopped microphone, a reconnect), nothing was lost.
//
// An epoch is placed by its first frames: see stream. Frames of an older epoch than the latest
// are late. The result depends on the frames and their order alone, not on how they were batched
// or when Push was called. Gaps are bounded by arrival times and by MaxTimeline, and memory with
// them, whatever the frames claim. Payloads are kept, not copied, until their packet is given;
// fillers share memory with the Assembler. Not safe for concurrent use.
type Assembler struct {
	start    int64 // of the time line, microseconds since the Unix epoch
	epoch    uint16
	stream   *stream // of the epoch; nil before its first frame
	suspects []arrived
	cursor   int64 // the end of what was given
	lost     int   // sequence numbers missing before the next packet
	toc      byte  // of the last packet that came
	tocs     [256]byte
	out      []Packet
	counts   Counts
}

// arrived is a frame whose arrival and duration are known in samples at 48 kHz.
type arrived struct {
	frame.Frame
	at      int64 // on the time line
	samples int   // 0: its framing is malformed
}

// NewAssembler makes an assembler for a time line.
func NewAssembler(start time.Time) *Assembler {
	// SILK, wideband, 20 ms: for a voice of which nothing came
	a := &Assembler{start: start.UnixMicro(), toc: 9 << 3}
	for i := range a.tocs {
		a.tocs[i] = byte(i)
	}
	return a
}

// Push takes a frame and gives the packets that are now certain, valid until the next call.
func (a *Assembler) Push(f frame.Frame) []Packet {
	a.out = a.out[:0]
	a.counts.Received++
	if f.Epoch < a.epoch {
		a.counts.Late++
		return nil
	}
	if f.Epoch > a.epoch {
		a.end()
		a.epoch = f.Epoch
	}
	samples, err := PacketDuration(f.Payload)
	x := arrived{Frame: f, at: a.when(f.Arrival), samples: samples}
	switch {
	case err != nil:
		a.counts.Corrupt++
		if a.stream != nil {
			a.stream.skip(f.Sequence)
		}
	case a.stream == nil:
		a.stream = newStream(x)
		a.accept(x)
	default:
		a.judge(x)
	}
	return a.out
}

// Flush gives what is still waiting. Frames that are pushed later go on after it.
func (a *Assembler) Flush() []Packet {
	a.out = a.out[:0]
	a.end()
	return a.out
}

// FlushTo is Flush, and fills the time line up to an end, so that all speakers' recordings are as
// long as the play.
func (a *Assembler) FlushTo(end time.Duration) []Packet {
	a.Flush()
	end = min(end, MaxTimeline)
	a.fill(floorTick(end.Microseconds()*ClockRate/1e6), a.toc, 0)
	return a.out
}

// Duration is the end of what was given, on the time line.
func (a *Assembler) Duration() time.Duration {
	return time.Duration(a.cursor) * time.Second / ClockRate
}

// Counts gives Received, Lost, Duplicated, Late and Corrupt so far. Frames that are waiting are
// only in Received.
func (a *Assembler) Counts() Counts { return a.counts }

// when gives the place of a moment on the time line, within its bounds.
func (a *Assembler) when(micros int64) int64 {
	if micros <= a.start {
		return 0
	}
	const bound = uint64((MaxTimeline + time.Minute) / time.Microsecond)
	return int64(min(uint64(micros)-uint64(a.start), bound)) * ClockRate / 1e6
}

func (a *Assembler) judge(x arrived) {
	switch a.stream.judge(x) {
	case fits:
		a.acquit()
		a.accept(x)
	case repeated:
		a.counts.Duplicated++
	case late:
		a.counts.Late++
	case strange:
		a.suspect(x)
	}
}

func (a *Assembler) accept(x arrived) {
	a.stream.accept(x)
	a.drain(false)
}

// suspect keeps a frame that does not fit its stream. Alone it is corrupt; several that fit one
// another begin a stream of their own, as when a sender starts its clock anew.
func (a *Assembler) suspect(x arrived) {
	for i, s := range a.suspects {
		if s.Sequence == x.Sequence && s.Timestamp == x.Timestamp {
			a.counts.Duplicated++
			return
		}
		if i == len(a.suspects)-1 && !follows(s, x) {
			a.acquit()
			break
		}
	}
	a.suspects = append(a.suspects, x)
	if len(a.suspects) < suspectRun {
		return
	}
	run := a.suspects
	a.suspects = nil
	a.end()
	a.stream = newStream(run[0])
	for _, x := range run {
		a.accept(x)
	}
}

// follows tells whether y can be the continuation of x in one stream.
func follows(x, y arrived) bool {
	seq, ts := int64(int16(y.Sequence-x.Sequence)), int64(int32(y.Timestamp-x.Timestamp))
	return seq > 0 && seq <= reorderWindow && ts >= seq*tick && ts <= y.at-x.at+ahead
}

// acquit lets go of suspects after which the stream went on: they were corrupt.
func (a *Assembler) acquit() {
	a.counts.Corrupt += len(a.suspects)
	a.suspects = a.suspects[:0]
}

// end gives all of the stream that is waiting and forgets it.
func (a *Assembler) end() {
	a.acquit()
	if a.stream != nil {
		a.drain(true)
		a.stream, a.lost = nil, 0
	}
}

// drain gives the frames whose turn has come, or all of them.
func (a *Assembler) drain(all bool) {
	for {
		x, missing, ok := a.stream.pop(all)
		if !ok {
			return
		}
		a.lost += missing
		if x.samples > 0 {
			a.give(x)
		}
	}
}

// give puts a frame at its place on the time line, or right behind the one before it when that is
// later.
func (a *Assembler) give(x waiting) {
	at := max(x.at, a.cursor)
	end := at + int64(x.samples)
	if end > timelineEnd || at > x.at && end > x.arrival+2*ahead {
		a.counts.Corrupt++
		return
	}
	a.counts.Lost += a.lost
	rest := a.fill(at, x.payload[0], a.lost)
	a.lost = 0
	a.out = append(a.out, Packet{Payload: x.payload, Start: at, Samples: x.samples, Lost: rest})
	a.cursor, a.toc = end, x.payload[0]
}

// fill closes the gap up to a place, and gives how many of the lost found no filler to stand for
// them. The fillers next to that place have the frame size of the packet that follows there, for
// FEC rebuilds a whole frame.
func (a *Assembler) fill(until int64, toc byte, lost int) (rest int) {
	if toc >= 16<<3 {
		toc |= 3 << 3 // CELT has no FEC: frames of 20 ms do
	}
	toc &^= 3 // a single frame
	size := int64(frameSize(toc))
	for odd := (until - a.cursor) % size; odd > 0; {
		config := byte(31) // CELT, of 20, 10, 5 or 2.5 ms
		for int64(frameSize(config<<3)) > odd {
			config--
		}
		odd -= int64(frameSize(config << 3))
		lost = a.filler(config<<3, until, size, lost)
	}
	for a.cursor < until {
		lost = a.filler(toc, until, size, lost)
	}
	return lost
}

// filler adds one filler. Of several, those next to the end of the gap stand for the lost, one
// each.
func (a *Assembler) filler(toc byte, until, size int64, lost int) (rest int) {
	p := Packet{
		Payload: a.tocs[toc : toc+1 : toc+1], Start: a.cursor, Samples: frameSize(toc),
		Filler: true,
	}
	a.cursor += int64(p.Samples)
	if after := (until - a.cursor + size - 1) / size; int64(lost) > after {
		p.Lost = lost - int(after)
		lost -= p.Lost
	}
	a.out = append(a.out, p)
	return lost
}

// floorTick rounds down to a multiple of tick.
func floorTick(v int64) int64 {
	return v - (v%tick+tick)%tick
}
