package sfu

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// Track is one medium that a participant or a Source publishes. Its publisher owns it. A
// participant's begins with the stream and ends with the participant, and so survives losses of
// the connection; receive is its only read path.
type Track struct {
	id        string       // unique in the room
	publisher string       // the id of the participant or the Source
	member    *Participant // nil for the track of a Source
	codec     webrtc.RTPCodecParameters
	levelID   uint8 // of the audio level extension; 0 if not negotiated
	metrics   *metrics
	repair    *repair    // nil for the track of a Source, which loses nothing
	rate      *rateLimit // of the participant

	// Used by receive and receiveRTCP only.
	header rtp.Header
	packet Packet
	index  index

	history history
	meter   meter

	// fanMu is held while a packet is written to the sinks, and to change them: after remove, no
	// write is in progress
	fanMu sync.Mutex
	sinks []Sink // guarded by fanMu
	ended bool   // guarded by fanMu
}

func newTrack(publisher *Participant, ssrc uint32, codec webrtc.RTPCodecParameters,
	extensions []webrtc.RTPHeaderExtensionParameter) *Track {
	t := &Track{
		id:        trackID(codec, ssrc),
		publisher: publisher.who.ID,
		member:    publisher,
		codec:     codec,
		levelID:   extensionID(extensions, levelURI),
		metrics:   publisher.room.node.metrics,
		rate:      &publisher.rate,
	}
	nack := slices.ContainsFunc(codec.RTCPFeedback, func(f webrtc.RTCPFeedback) bool {
		return f.Type == webrtc.TypeRTCPFBNACK && f.Parameter == ""
	})
	t.repair = newRepair(ssrc, publisher.reporter, codec.ClockRate, nack, t.send, t.metrics)
	return t
}

func trackID(codec webrtc.RTPCodecParameters, ssrc uint32) string {
	return fmt.Sprintf("%s-%d", codec.MimeType[:5], ssrc)
}

// extensionID returns the id of a negotiated header extension, or 0.
func extensionID(extensions []webrtc.RTPHeaderExtensionParameter, uri string) uint8 {
	for _, e := range extensions {
		if e.URI == uri && e.ID > 0 && e.ID < 256 {
			return uint8(e.ID)
		}
	}
	return 0
}

// receive processes one decrypted packet, which arrived at now. One goroutine at a time calls it.
func (t *Track) receive(b []byte, now time.Time) {
	if !t.parse(b, now) {
		t.metrics.dropped[dropInvalid].Inc()
		return
	}
	p := &t.packet
	p.Index = t.index.of(p.Sequence)
	if cause, ok := t.rate.take(len(b), now); !ok {
		t.metrics.dropped[cause].Inc()
		t.repair.received(p, now) // it is not missing, so it is not requested
		return
	}
	t.deliver(p)
	t.repair.received(p, now)
}

// deliver passes a packet on to the sinks, and keeps a copy for retransmission. One goroutine at a
// time calls it.
func (t *Track) deliver(p *Packet) {
	t.metrics.in.Inc()
	t.meter.add(p)
	t.history.put(p)
	t.fanOut(p)
}

func (t *Track) parse(b []byte, now time.Time) bool {
	h := &t.header
	n, err := h.Unmarshal(b)
	if err != nil || h.PayloadType != uint8(t.codec.PayloadType) {
		return false
	}
	payload := b[n:]
	if h.Padding {
		if len(payload) == 0 || int(payload[len(payload)-1]) > len(payload) {
			return false
		}
		payload = payload[:len(payload)-int(payload[len(payload)-1])]
	}
	t.packet = Packet{
		SSRC: h.SSRC, Sequence: h.SequenceNumber, Timestamp: h.Timestamp, Marker: h.Marker,
		PayloadType: h.PayloadType, Payload: payload, Arrival: now, AudioLevel: silence,
	}
	if t.levelID != 0 && h.Extension {
		if ext := h.GetExtension(t.levelID); len(ext) > 0 {
			t.packet.HasLevel = true
			t.packet.AudioLevel, t.packet.Voice = ext[0]&0x7f, ext[0]&0x80 != 0
		}
	}
	return true
}

// fanOut writes the packet to every sink. It does not allocate.
func (t *Track) fanOut(p *Packet) {
	t.fanMu.Lock()
	defer t.fanMu.Unlock()
	for _, s := range t.sinks {
		s.WriteRTP(p)
	}
}

// fanOutCount writes the publisher's count to those sinks that take it.
func (t *Track) fanOutCount(ssrc uint32, packets int) {
	t.fanMu.Lock()
	defer t.fanMu.Unlock()
	for _, s := range t.sinks {
		if s, ok := s.(CountingSink); ok {
			s.WriteCount(ssrc, packets)
		}
	}
}

// send sends RTCP to the participant. A packet that cannot be sent is dropped, because the next
// one has the same information.
func (t *Track) send(p rtcp.Packet) {
	if err := t.member.pc.WriteRTCP([]rtcp.Packet{p}); err != nil {
		t.member.log.Debug("RTCP feedback was not sent", "track", t.id, "err", err)
	}
}

// receiveRTCP processes the publisher's sender reports.
func (t *Track) receiveRTCP(b []byte, now time.Time) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		t.metrics.dropped[dropInvalid].Inc()
		return
	}
	for _, p := range packets {
		if sr, ok := p.(*rtcp.SenderReport); ok {
			if sent, ok := t.repair.senderReport(sr, now); ok {
				t.fanOutCount(sr.SSRC, sent)
			}
		}
	}
}

// add adds a sink, which then receives every packet. If the track has ended, it closes the sink
// and returns false.
func (t *Track) add(s Sink) bool {
	t.fanMu.Lock()
	if t.ended {
		t.fanMu.Unlock()
		s.Close()
		return false
	}
	t.sinks = append(t.sinks, s)
	t.fanMu.Unlock()
	return true
}

// remove removes a sink and closes it, unless that has happened already. No packet is written to
// the sink after that.
func (t *Track) remove(s Sink) {
	t.fanMu.Lock()
	i := slices.Index(t.sinks, s)
	if i >= 0 {
		t.sinks = slices.Delete(t.sinks, i, i+1)
	}
	t.fanMu.Unlock()
	if i >= 0 {
		s.Close()
	}
}

// end removes all sinks and closes them.
func (t *Track) end() {
	if t.repair != nil {
		t.repair.close()
	}
	t.fanMu.Lock()
	old := t.sinks
	t.sinks, t.ended = nil, true
	t.fanMu.Unlock()
	for _, s := range old {
		s.Close()
	}
}
