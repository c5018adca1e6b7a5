package sfu

import (
	"strings"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v5/packetio"
	"github.com/pion/webrtc/v4"
)

// maxResends is the maximum number of packets per second that are sent again to one subscriber, so
// that requests cannot be abused for amplification.
const maxResends = 100

// forwarder sends a track to one subscriber. It is a Sink of the track, and the local track of
// the subscriber's PeerConnection, which binds it once it is negotiated and unbinds it at the
// end. Only SSRC, payload type and extension ids are rewritten.
type forwarder struct {
	track   *Track
	inlets  *inlets // of the subscriber, for its requests for retransmission
	metrics *metrics

	mu      sync.Mutex // guards the fields below
	writer  webrtc.TrackLocalWriter
	header  rtp.Header
	ssrc    uint32
	levelID uint8
	level   []byte // the header's audio level extension

	// Used by receiveRTCP only.
	scratch []byte
	second  time.Time
	resends int
}

func newForwarder(t *Track, in *inlets) *forwarder {
	return &forwarder{track: t, inlets: in, metrics: t.metrics, level: make([]byte, 1)}
}

// WriteRTP forwards a packet, or drops it until the subscriber has answered the offer.
func (f *forwarder) WriteRTP(p *Packet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writer == nil {
		return
	}
	h := &f.header
	h.Marker, h.SequenceNumber, h.Timestamp = p.Marker, p.Sequence, p.Timestamp
	h.Extension = p.HasLevel && f.levelID != 0
	if h.Extension {
		f.level[0] = p.AudioLevel
		if p.Voice {
			f.level[0] |= 0x80
		}
	}
	// An error means that the subscriber is leaving or that the socket's buffer is full: the
	// packet is lost, and the subscriber's loop does the rest.
	if _, err := f.writer.WriteRTP(h, p.Payload); err != nil {
		f.metrics.dropped[dropUnsent].Inc()
		return
	}
	f.metrics.out.Inc()
}

// Close does nothing: the subscriber's loop removes the forwarder of an ended track from the
// connection.
func (f *forwarder) Close() {}

// Bind is called by Pion when the subscriber has accepted the track.
func (f *forwarder) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, codec := range c.CodecParameters() {
		if !strings.EqualFold(codec.MimeType, f.track.codec.MimeType) {
			continue
		}
		f.mu.Lock()
		f.ssrc, f.writer = uint32(c.SSRC()), c.WriteStream()
		f.levelID = extensionID(c.HeaderExtensions(), levelURI)
		f.header = rtp.Header{Version: 2, PayloadType: uint8(codec.PayloadType), SSRC: f.ssrc}
		if f.levelID != 0 {
			if err := f.header.SetExtension(f.levelID, f.level); err != nil {
				f.levelID = 0
			}
		}
		f.mu.Unlock()
		f.inlets.attach(packetio.RTCPBufferPacket, uint32(c.SSRC()), f.receiveRTCP)
		return codec, nil
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind is called by Pion when the track is removed from the connection.
func (f *forwarder) Unbind(c webrtc.TrackLocalContext) error {
	f.inlets.detach(packetio.RTCPBufferPacket, uint32(c.SSRC()))
	f.mu.Lock()
	f.writer = nil
	f.mu.Unlock()
	return nil
}

// receiveRTCP answers the subscriber's requests for missing packets. One goroutine at a time calls
// it.
func (f *forwarder) receiveRTCP(b []byte, now time.Time) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		f.metrics.dropped[dropInvalid].Inc()
		return
	}
	if now.Sub(f.second) >= time.Second {
		f.second, f.resends = now, 0
	}
	for _, p := range packets {
		nack, ok := p.(*rtcp.TransportLayerNack)
		if !ok || nack.MediaSSRC != f.ssrc {
			continue
		}
		for i := range nack.Nacks {
			nack.Nacks[i].Range(f.resend)
		}
	}
}

// resend sends one packet again, unchanged. It returns false when the limit is reached.
func (f *forwarder) resend(seq uint16) bool {
	f.metrics.nacksReceived.Inc()
	if f.resends >= maxResends {
		return false
	}
	p, ok := f.track.history.get(seq, f.scratch)
	if !ok {
		return true
	}
	f.scratch = p.Payload
	f.resends++
	f.metrics.resent.Inc()
	f.WriteRTP(&p)
	return true
}

// ID, RID, StreamID and Kind implement webrtc.TrackLocal. The stream id is the publisher's id.
func (f *forwarder) ID() string                { return f.track.id }
func (f *forwarder) RID() string               { return "" }
func (f *forwarder) StreamID() string          { return f.track.publisher }
func (f *forwarder) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }
