package load

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"bedside/signaling/client"

	"github.com/pion/rtp"
)

// clock is the time base of the stamps. Senders and receivers share a process, and so a clock.
type clock struct{ zero time.Time }

func (c clock) now() time.Duration { return time.Since(c.zero) }

// voice repeats a participant's packets, each with its own stamp. One Client.Speak uses it at a
// time; sent is safe for concurrent use.
type voice struct {
	clock   clock
	packets [][]byte // stampable; shared with other voices, so copied before stamping
	next    int
	until   time.Duration
	buf     []byte
	sent    atomic.Uint32 // packets so far, which is the last packet's number
}

// Next implements client.PacketSource.
func (v *voice) Next() (packet []byte, samples48k int, level uint8, err error) {
	if v.clock.now() >= v.until {
		return nil, 0, 0, io.EOF
	}
	v.buf = append(v.buf[:0], v.packets[v.next]...)
	v.next = (v.next + 1) % len(v.packets)
	return v.buf, frame48k, voiceLevel, nil
}

// Stamp implements client.Stamper.
func (v *voice) Stamp(packet []byte) { stamp(packet, v.sent.Add(1), v.clock.now()) }

const (
	frame48k   = 960 // samples of 20 ms
	voiceLevel = 20  // dB below full scale
)

// receiver counts what a participant receives.
type receiver struct {
	clock clock

	mu      sync.Mutex // guards the fields below
	streams map[string]*stream
	latency histogram
}

// stream counts one voice by the numbers in its stamps. (Package client counts RTP sequence
// numbers.)
type stream struct {
	first, packets uint32
	duplicated     uint32
	seen           map[uint32]struct{} // the last memory numbers
}

func newReceiver(c clock) *receiver {
	return &receiver{clock: c, streams: map[string]*stream{}}
}

// receive counts a packet from another participant.
func (r *receiver) receive(from string, p *rtp.Packet) {
	now := r.clock.now()
	number, sentAt, ok := stamped(p.Payload)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[from]
	if s == nil {
		s = &stream{first: number, seen: map[uint32]struct{}{}}
		r.streams[from] = s
	}
	if _, again := s.seen[number]; again {
		s.duplicated++
		return
	}
	s.seen[number] = struct{}{}
	delete(s.seen, number-memory)
	s.first = min(s.first, number)
	s.packets++
	r.latency.add(now - sentAt)
}

// memory is the number of packets for which duplicates are recognised.
const memory = 50

// count returns how many packets were expected from a voice that has sent so many, how many were
// received, and how many were received twice. Packets before the first that was received are not
// expected, because the track did not exist yet. If none was received, all were expected.
func (r *receiver) count(from string, sent uint32) (expected, received, duplicated uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[from]
	if s == nil {
		return uint64(sent), 0, 0
	}
	return uint64(sent - s.first + 1), uint64(s.packets), uint64(s.duplicated)
}

var _ client.Stamper = (*voice)(nil)
