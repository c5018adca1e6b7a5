package speech

import (
	"maps"
	"slices"

	"bedside/speech/event"
	"bedside/speech/frame"
)

// maxStreams is the largest number of RTP streams of a speaker whose frames are counted. A play
// has as many as the speaker had connections.
const maxStreams = 256

// sentCounts compares what a speaker's client has sent, as it says or as its sender reports say,
// with the sequence numbers in the log, for each RTP stream. What a client sends into a connection
// that is lost leaves no gap behind: the next stream has numbers of its own.
type sentCounts struct {
	epochs map[uint16]*epochCount
	told   map[uint32]toldCount // by SSRC
}

// toldCount is the number of packets of a stream, by origin.
type toldCount struct {
	client   int
	reported int // after the client's last word
}

func (c toldCount) packets() int { return max(c.client, c.reported) }

// epochCount counts one epoch.
type epochCount struct {
	started bool
	first   uint16 // sequence number of the first frame in the log
	highest int    // relative to the first
	lowest  int    // likewise, of frames that the first has overtaken
	ssrc    uint32
	before  int
	known   bool // ssrc and before are
}

func (s *sentCounts) epoch(n uint16) *epochCount {
	if s.epochs == nil {
		s.epochs = map[uint16]*epochCount{}
	}
	e, ok := s.epochs[n]
	if !ok {
		e = &epochCount{}
		if len(s.epochs) < maxStreams {
			s.epochs[n] = e
		}
	}
	return e
}

func (s *sentCounts) addFrame(f frame.Frame) {
	e := s.epoch(f.Epoch)
	if !e.started {
		e.started, e.first = true, f.Sequence
	}
	n := e.highest + int(int16(f.Sequence-e.first-uint16(e.highest)))
	e.highest, e.lowest = max(e.highest, n), min(e.lowest, n)
}

func (s *sentCounts) addStream(e event.Stream) {
	n := s.epoch(e.Epoch)
	n.ssrc, n.before, n.known = e.SSRC, e.Before, true
}

// addSent keeps the highest count of each stream. The client's word replaces what sender reports
// before it have said; a report after it says what the client has sent since.
func (s *sentCounts) addSent(e event.Sent) {
	if s.told == nil {
		s.told = map[uint32]toldCount{}
	}
	c, ok := s.told[e.SSRC]
	if !ok && len(s.told) >= maxStreams {
		return
	}
	if e.Origin == event.OriginClient {
		c = toldCount{client: max(c.client, e.Packets)}
	} else {
		c.reported = max(c.reported, e.Packets)
	}
	s.told[e.SSRC] = c
}

// unseen returns the number of frames that the client sent behind the last of each stream in the
// log, or on streams of which nothing arrived. Epochs of which the log does not say which stream
// they are, because its beginning was lost, belong to the streams that are left.
func (s *sentCounts) unseen() int {
	total, unnamed := 0, 0
	told := maps.Clone(s.told)
	for _, n := range slices.Sorted(maps.Keys(s.epochs)) {
		e := s.epochs[n]
		if e.started && !e.known {
			unnamed += e.highest - e.lowest + 1
			continue
		}
		if c, ok := told[e.ssrc]; ok && e.known {
			delete(told, e.ssrc)
			packets := c.packets()
			switch {
			case e.started && e.before > 0: // those that were overtaken are among the ones before
				packets -= e.before + e.highest + 1
			case e.started:
				packets -= e.highest - e.lowest + 1
			}
			total += max(packets, 0)
		}
	}
	left := 0
	for _, c := range told {
		left += c.packets()
	}
	return total + max(left-unnamed, 0)
}
