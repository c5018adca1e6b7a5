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

// sentCounts compares what a speaker's client says it has sent with the sequence numbers in the
// log, for each RTP stream. What a client sends into a connection that is lost leaves no gap
// behind: the next stream has numbers of its own.
type sentCounts struct {
	epochs map[uint16]*epochCount
	told   map[uint32]int // packets by SSRC
}

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

// addSent keeps the latest count of each stream.
func (s *sentCounts) addSent(e event.Sent) {
	if s.told == nil {
		s.told = map[uint32]int{}
	}
	if _, ok := s.told[e.SSRC]; ok || len(s.told) < maxStreams {
		s.told[e.SSRC] = max(s.told[e.SSRC], e.Packets)
	}
}

// unseen returns the number of frames that the client sent behind the last of each stream in the
// log, or on streams of which nothing arrived.
func (s *sentCounts) unseen() int {
	total := 0
	told := maps.Clone(s.told)
	for _, n := range slices.Sorted(maps.Keys(s.epochs)) {
		e := s.epochs[n]
		if packets, ok := told[e.ssrc]; ok && e.known {
			delete(told, e.ssrc)
			switch {
			case e.started && e.before > 0: // those that were overtaken are among the ones before
				packets -= e.before + e.highest + 1
			case e.started:
				packets -= e.highest - e.lowest + 1
			}
			total += max(packets, 0)
		}
	}
	for _, packets := range told {
		total += packets
	}
	return total
}
