package client

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"bedside/signaling/protocol"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// errNotBound is returned for a packet before the track is negotiated or after the connection has
// ended.
var errNotBound = errors.New("the microphone's track is not negotiated")

// audible is the level, in -dBov, up to which a packet is marked as voice.
const audible = 50

// microphone is the local track. It numbers packets and passes them to Pion, which binds the track
// once the join is answered. It is safe for concurrent use.
type microphone struct {
	id string

	mu     sync.Mutex // guards the fields below
	writer webrtc.TrackLocalWriter
	header rtp.Header
	level  []byte    // the header's audio level extension
	begun  bool      // a packet was sent since begin
	next   uint32    // timestamp after the last packet
	nextAt time.Time // the time of that timestamp
	lastAt time.Time // when the last packet was sent
	sent   Sent
	// streams counts the packets of each RTP stream, in order; a new connection has a new one.
	streams []protocol.Sent
}

// Sent counts what a participant has sent.
type Sent struct {
	Packets  uint64 `json:"packets"`
	Bytes    uint64 `json:"bytes"`    // of Opus
	Withheld uint64 `json:"withheld"` // not sent, because muted
	Failed   uint64 `json:"failed"`   // not sent, because the media was not connected
}

func newMicrophone() *microphone {
	return &microphone{
		id: "voice", level: make([]byte, 1),
		header: rtp.Header{Version: 2, SequenceNumber: uint16(rand.Uint32())}, next: rand.Uint32(),
	}
}

// begin starts a stretch of speech. The timestamps advance by the time since the last one.
func (m *microphone) begin(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.nextAt.IsZero() && at.After(m.nextAt) {
		m.next += samplesIn(at.Sub(m.nextAt))
	}
	m.nextAt = at
	m.begun = false
}

// send sends one packet. If withhold is set, it only advances the timestamp.
func (m *microphone) send(packet []byte, samples int, level uint8, withhold bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	timestamp := m.next
	m.next += uint32(samples)
	m.nextAt = m.nextAt.Add(duration(samples))
	if withhold {
		m.sent.Withheld++
		m.begun = false
		return nil
	}
	if m.writer == nil {
		m.sent.Failed++
		return errNotBound
	}
	m.header.Timestamp, m.header.Marker = timestamp, !m.begun
	if m.level[0] = min(level, 127); m.level[0] <= audible {
		m.level[0] |= 0x80
	}
	m.begun, m.lastAt = true, time.Now()
	_, err := m.writer.WriteRTP(&m.header, packet)
	m.header.SequenceNumber++
	if err != nil {
		m.sent.Failed++
		return err
	}
	m.sent.Packets++
	m.streams[len(m.streams)-1].Packets++
	m.sent.Bytes += uint64(len(packet))
	return nil
}

// lastSent returns when the last packet was sent; zero if none was.
func (m *microphone) lastSent() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lastAt
}

func (m *microphone) counts() Sent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent
}

// sentStreams returns what was sent on each RTP stream.
func (m *microphone) sentStreams() []protocol.Sent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.streams)
}

// Bind is called by Pion when the track has been negotiated.
func (m *microphone) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, codec := range c.CodecParameters() {
		if !strings.EqualFold(codec.MimeType, webrtc.MimeTypeOpus) {
			continue
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.writer = c.WriteStream()
		m.header.PayloadType, m.header.SSRC = uint8(codec.PayloadType), uint32(c.SSRC())
		if n := len(m.streams); n == 0 || m.streams[n-1].SSRC != m.header.SSRC {
			m.streams = append(m.streams, protocol.Sent{SSRC: m.header.SSRC})
		}
		for _, e := range c.HeaderExtensions() {
			if e.URI != levelURI {
				continue
			}
			if err := m.header.SetExtension(uint8(e.ID), m.level); err != nil {
				return webrtc.RTPCodecParameters{}, err
			}
		}
		return codec, nil
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind is called by Pion when the connection ends.
func (m *microphone) Unbind(webrtc.TrackLocalContext) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writer = nil
	return nil
}

// ID, RID, StreamID and Kind implement webrtc.TrackLocal.
func (m *microphone) ID() string                { return m.id }
func (m *microphone) RID() string               { return "" }
func (m *microphone) StreamID() string          { return m.id }
func (m *microphone) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeAudio }

func duration(samples int) time.Duration {
	return time.Duration(samples) * time.Second / clockRate
}

func samplesIn(d time.Duration) uint32 {
	return uint32(int64(d) / 1000 * clockRate / 1_000_000)
}
