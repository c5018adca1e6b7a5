package speech

import (
	"testing"

	"bedside/speech/event"
	"bedside/speech/frame"
)

func TestSentCounts(t *testing.T) {
	frames := func(s *sentCounts, epoch uint16, sequences ...uint16) {
		for _, n := range sequences {
			s.addFrame(frame.Frame{Epoch: epoch, Sequence: n})
		}
	}
	for name, tc := range map[string]struct {
		log  func(s *sentCounts)
		want int
	}{
		"nothing is told": {func(s *sentCounts) { frames(s, 1, 10, 12) }, 0},
		"all has come": {func(s *sentCounts) {
			s.addStream(event.Stream{Epoch: 1, SSRC: 7, Before: 5})
			frames(s, 1, 65534, 65535, 0, 2)
			s.addSent(event.Sent{SSRC: 7, Packets: 5 + 5})
		}, 0},
		"the end of a stream is lost": {func(s *sentCounts) {
			s.addStream(event.Stream{Epoch: 1, SSRC: 7, Before: 5})
			frames(s, 1, 65534, 0, 65535)
			s.addSent(event.Sent{SSRC: 7, Packets: 5 + 3 + 150})
			frames(s, 2, 40)
		}, 150},
		"the first frame has overtaken another": {func(s *sentCounts) {
			s.addStream(event.Stream{Epoch: 1, SSRC: 7})
			frames(s, 1, 5, 4, 6)
			s.addSent(event.Sent{SSRC: 7, Packets: 3})
		}, 0},
		"the highest count of several": {func(s *sentCounts) {
			s.addStream(event.Stream{Epoch: 1, SSRC: 7})
			frames(s, 1, 1)
			s.addSent(event.Sent{SSRC: 7, Packets: 11})
			s.addSent(event.Sent{SSRC: 7, Packets: 9})
		}, 10},
		"only sender reports tell": {func(s *sentCounts) {
			s.addStream(event.Stream{Epoch: 1, SSRC: 7})
			frames(s, 1, 1)
			s.addSent(event.Sent{SSRC: 7, Packets: 11, Origin: event.OriginReport})
			s.addSent(event.Sent{SSRC: 7, Packets: 9, Origin: event.OriginReport})
		}, 10},
		"the client's word replaces earlier sender reports": {func(s *sentCounts) {
			s.addStream(event.Stream{Epoch: 1, SSRC: 7})
			frames(s, 1, 1)
			s.addSent(event.Sent{SSRC: 7, Packets: 11, Origin: event.OriginReport})
			s.addSent(event.Sent{SSRC: 7, Packets: 6})
		}, 5},
		"the client crashes after its word": {func(s *sentCounts) {
			s.addStream(event.Stream{Epoch: 1, SSRC: 7})
			frames(s, 1, 1)
			s.addSent(event.Sent{SSRC: 7, Packets: 6})
			s.addSent(event.Sent{SSRC: 7, Packets: 5, Origin: event.OriginReport})
			s.addSent(event.Sent{SSRC: 7, Packets: 21, Origin: event.OriginReport})
		}, 20},
		"the beginning of the log is lost, which named the streams": {func(s *sentCounts) {
			frames(s, 1, 101, 102, 104)
			frames(s, 2, 11)
			s.addSent(event.Sent{SSRC: 7, Packets: 104})
			s.addSent(event.Sent{SSRC: 8, Packets: 3})
		}, 100 + 2},
		"an epoch without a name, whose client told nothing": {func(s *sentCounts) {
			frames(s, 1, 1, 2)
		}, 0},
		"a stream of which nothing came": {func(s *sentCounts) {
			s.addStream(event.Stream{Epoch: 1, SSRC: 7})
			frames(s, 1, 1)
			s.addSent(event.Sent{SSRC: 9, Packets: 20})
		}, 20},
		"the stream is described after its frames": {func(s *sentCounts) {
			frames(s, 1, 1, 2)
			s.addSent(event.Sent{SSRC: 9, Packets: 5})
			s.addStream(event.Stream{Epoch: 1, SSRC: 9})
		}, 3},
		"a client that counts too few": {func(s *sentCounts) {
			s.addStream(event.Stream{Epoch: 1, SSRC: 7})
			frames(s, 1, 1, 100)
			s.addSent(event.Sent{SSRC: 7, Packets: 3})
		}, 0},
		"streams without end": {func(s *sentCounts) {
			for n := range 2 * maxStreams {
				s.addSent(event.Sent{SSRC: uint32(n), Packets: 1})
			}
		}, maxStreams},
	} {
		var s sentCounts
		tc.log(&s)
		if got := s.unseen(); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
