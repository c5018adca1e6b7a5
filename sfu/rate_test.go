package sfu

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	dto "github.com/prometheus/client_model/go"
)

// publisher sends packets to a track with a recorder as its sink.
type publisher struct {
	t     *testing.T
	track *Track
	sink  *recorder
	sent  int
	nacks atomic.Int32 // requests come from the timer's goroutine
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	m, err := newMetrics(nil)
	must(t, err)
	p := &publisher{t: t, sink: &recorder{}}
	count := func(packet rtcp.Packet) {
		if _, ok := packet.(*rtcp.TransportLayerNack); ok {
			p.nacks.Add(1)
		}
	}
	p.track = &Track{
		codec: webrtc.RTPCodecParameters{PayloadType: 111}, metrics: m, rate: &rateLimit{},
		repair: newRepair(1, 2, 48000, true, count, m),
	}
	p.track.add(p.sink)
	return p
}

// send sends n packets with that many bytes of payload, one every interval.
func (p *publisher) send(n, size int, interval time.Duration) {
	for range n {
		p.sent++
		packet := rtp.Packet{
			Header: rtp.Header{
				Version: 2, PayloadType: 111, SSRC: 1, SequenceNumber: uint16(p.sent),
				Timestamp: uint32(p.sent) * 960,
			},
			Payload: make([]byte, size),
		}
		raw, err := packet.Marshal()
		must(p.t, err)
		p.track.receive(raw, time.Now())
		time.Sleep(interval)
	}
}

func (p *publisher) dropped(cause dropCause) int {
	var m dto.Metric
	must(p.t, p.track.metrics.dropped[cause].Write(&m))
	return int(m.GetCounter().GetValue())
}

func TestRateLimit(t *testing.T) {
	const loudest = 510_000 / 8 / 50 // bytes of 20 ms at Opus's highest bit rate
	tests := map[string]struct {
		send  func(p *publisher)
		most  int // packets that reach the sinks; -1: all
		cause dropCause
	}{
		"a voice for ten minutes": {
			send: func(p *publisher) { p.send(30_000, 80, 20*time.Millisecond) }, most: -1,
		},
		"the highest bit rate": {
			send: func(p *publisher) { p.send(3_000, loudest, 20*time.Millisecond) }, most: -1,
		},
		"packets of 10 ms": {
			send: func(p *publisher) { p.send(6_000, 40, 10*time.Millisecond) }, most: -1,
		},
		"the packets of a stuck network, in the middle of a voice": {
			send: func(p *publisher) {
				p.send(500, 80, 20*time.Millisecond)
				time.Sleep(5 * time.Second)
				p.send(250, 80, 0) // what was spoken meanwhile
				p.send(500, 80, 20*time.Millisecond)
			}, most: -1,
		},
		"a flood of small packets": {
			send: func(p *publisher) { p.send(38_580, 20, 15*time.Second/38_580) },
			most: 20 * packetsPerSecond, cause: dropPackets,
		},
		"a flood of full packets": {
			send: func(p *publisher) { p.send(38_580, 1200, 15*time.Second/38_580) },
			most: 20 * bytesPerSecond / 1200, cause: dropBytes,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPublisher(t)
				defer p.track.end()
				test.send(p)
				got, dropped := p.sink.count(), p.dropped(test.cause)
				if got+dropped != p.sent {
					t.Errorf("%d packets passed and %d were dropped, of %d", got, dropped, p.sent)
				}
				if test.most < 0 && dropped > 0 || test.most >= 0 && got > test.most {
					t.Errorf("%d packets passed and %d were dropped as %v; at most %d may pass",
						got, dropped, test.cause, test.most)
				}
				if p.nacks.Load() > 0 {
					t.Errorf("dropped packets were requested again, %d times", p.nacks.Load())
				}
			})
		})
	}
}
