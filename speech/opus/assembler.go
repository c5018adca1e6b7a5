package opus

import (
	"time"

	"bedside/speech/frame"
)

const (
	// MaxTimeline is the longest time line. Frames with a later position count as corrupt.
	MaxTimeline = 2 * time.Hour
	timelineEnd = int64(MaxTimeline/time.Second) * ClockRate

	// maxAhead is the largest time by which a frame's position may be later than its arrival. A
	// sender's clock and the network's delay vary by less.
	maxAhead = 2 * ClockRate
	// outlierRun is the number of consecutive outliers that start a new stream.
	outlierRun = 3
)

// Assembler turns one speaker's frames, as they arrive over the network, into a continuous
// sequence of packets on the attempt's time line. It sorts frames, drops duplicates and late
// ones, and fills gaps. A filler for a missing sequence number counts as lost. When the sequence
// numbers continue and only time has passed (discontinuous transmission, a stopped microphone, a
// reconnect), nothing was lost. Padding is neither counted nor missed.
//
// Each epoch of the speaker is a stream; its first frames decide its position on the time line,
// see stream. Frames of an earlier epoch than the latest count as late.
//
// The result depends only on the frames and their order, not on when they are pushed. Arrival
// times and MaxTimeline bound gaps and memory, whatever the frames contain. Payloads are not
// copied: the caller must not change them before their packets are returned. Fillers share memory
// with the Assembler. Not safe for concurrent use.
type Assembler struct {
	start    int64 // of the time line, in microseconds since 1970
	epoch    uint16
	stream   *stream // of the epoch; nil before its first valid frame
	outliers []arrived
	cursor   int64 // end of the packets returned so far
	lost     int   // sequence numbers missing before the next packet
	toc      byte  // of the last received packet
	tocs     [256]byte
	out      []Packet
	counts   Counts
}

// arrived is a frame with its arrival and duration in samples at 48 kHz.
type arrived struct {
	frame.Frame
	at      int64 // arrival on the time line
	samples int   // 0: the frame is malformed
}

// NewAssembler returns an assembler for a time line that begins at start.
func NewAssembler(start time.Time) *Assembler {
	// SILK, wideband, 20 ms: the TOC of fillers until a packet is received
	a := &Assembler{start: start.UnixMicro(), toc: 9 << 3}
	for i := range a.tocs {
		a.tocs[i] = byte(i)
	}
	return a
}

// Push adds a frame and returns the packets that no later frame can change. They are valid until
// the next call.
func (a *Assembler) Push(f frame.Frame) []Packet {
	a.out = a.out[:0]
	if f.IsPadding() {
		if a.stream != nil && f.Epoch == a.epoch {
			a.stream.skip(f.Sequence)
		}
		return nil
	}
	a.counts.Received++
	if f.Epoch < a.epoch {
		a.counts.Late++
		a.counts.Unplaced++
		return nil
	}
	if f.Epoch > a.epoch {
		a.endStream()
		a.epoch = f.Epoch
	}
	samples, err := PacketDuration(f.Payload)
	x := arrived{Frame: f, at: a.position(f.Arrival), samples: samples}
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
		a.handle(x)
	}
	return a.out
}

// Flush returns the packets of all frames that are still held back. Frames that are pushed later
// continue behind them.
func (a *Assembler) Flush() []Packet {
	a.out = a.out[:0]
	a.endStream()
	return a.out
}

// FlushTo does what Flush does and then fills the time line up to end, so that all speakers'
// recordings are as long as the play.
func (a *Assembler) FlushTo(end time.Duration) []Packet {
	a.Flush()
	end = min(end, MaxTimeline)
	a.fill(floorTick(end.Microseconds()*ClockRate/1e6), a.toc, 0)
	return a.out
}

// Duration returns the length of the time line up to the end of the last packet returned.
func (a *Assembler) Duration() time.Duration {
	return time.Duration(a.cursor) * time.Second / ClockRate
}

// Counts returns Received, Lost, Duplicated, Late and Corrupt so far. Frames that are held back
// count as received only.
func (a *Assembler) Counts() Counts { return a.counts }

// position converts a time to a position on the time line, within its bounds.
func (a *Assembler) position(micros int64) int64 {
	if micros <= a.start {
		return 0
	}
	const bound = uint64((MaxTimeline + time.Minute) / time.Microsecond)
	return int64(min(uint64(micros)-uint64(a.start), bound)) * ClockRate / 1e6
}

// handle processes a well-formed frame of the current epoch.
func (a *Assembler) handle(x arrived) {
	switch a.stream.classify(x) {
	case inStream:
		a.discardOutliers()
		a.accept(x)
	case duplicate:
		a.counts.Duplicated++
	case late:
		a.counts.Late++
		if a.stream.precedes(x) {
			a.counts.Unplaced++
		}
	case outlier:
		a.addOutlier(x)
	}
}

func (a *Assembler) accept(x arrived) {
	a.stream.accept(x)
	a.emitReady(false)
}

// addOutlier keeps a frame whose numbers do not fit the stream. A single one is corrupt. Several
// in a row that fit one another start a new stream: the sender has restarted its clock.
func (a *Assembler) addOutlier(x arrived) {
	for i, s := range a.outliers {
		if s.Sequence == x.Sequence && s.Timestamp == x.Timestamp {
			a.counts.Duplicated++
			return
		}
		if i == len(a.outliers)-1 && !follows(s, x) {
			a.discardOutliers()
			break
		}
	}
	a.outliers = append(a.outliers, x)
	if len(a.outliers) < outlierRun {
		return
	}
	run := a.outliers
	a.outliers = nil
	a.endStream()
	a.stream = newStream(run[0])
	for _, x := range run {
		a.accept(x)
	}
}

// follows reports whether y can follow x in one stream.
func follows(x, y arrived) bool {
	seq, ts := int64(int16(y.Sequence-x.Sequence)), int64(int32(y.Timestamp-x.Timestamp))
	return seq > 0 && seq <= reorderWindow && ts >= seq*tick && ts <= y.at-x.at+maxAhead
}

// discardOutliers counts the outliers as corrupt, because the stream went on without them.
func (a *Assembler) discardOutliers() {
	a.counts.Corrupt += len(a.outliers)
	a.outliers = a.outliers[:0]
}

// endStream emits all frames of the stream and drops it.
func (a *Assembler) endStream() {
	a.discardOutliers()
	if a.stream != nil {
		a.emitReady(true)
		a.stream, a.lost = nil, 0
	}
}

// emitReady emits the frames that need not wait for earlier ones, or all frames.
func (a *Assembler) emitReady(all bool) {
	for {
		x, missing, ok := a.stream.pop(all)
		if !ok {
			return
		}
		a.lost += missing
		if x.samples > 0 {
			a.emit(x)
		}
	}
}

// emit puts a frame at its position on the time line, or directly behind the packet before it if
// that is later.
func (a *Assembler) emit(x waiting) {
	at := max(x.at, a.cursor)
	end := at + int64(x.samples)
	if end > timelineEnd || at > x.at && end > x.arrival+2*maxAhead {
		a.counts.Corrupt++
		return
	}
	a.counts.Lost += a.lost
	rest := a.fill(at, x.payload[0], a.lost)
	a.lost = 0
	a.out = append(a.out, Packet{Payload: x.payload, Start: at, Samples: x.samples, Lost: rest})
	a.cursor, a.toc = end, x.payload[0]
}

// fill adds fillers up to a position and returns the number of lost frames that had no filler left
// to stand for them. The last fillers have the frame size of the packet that follows, since FEC
// rebuilds a whole frame. toc is that packet's.
func (a *Assembler) fill(until int64, toc byte, lost int) (rest int) {
	if toc >= 16<<3 {
		toc |= 3 << 3 // CELT has no FEC, so frames of 20 ms will do
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

// filler adds one filler. The lost frames are assigned to the fillers at the end of the gap, one
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
