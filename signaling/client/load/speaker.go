package load

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"bedside/signaling/client"

	"github.com/pion/rtp"
)

// clock is what the stamps count from: the senders and the receivers share a process.
type clock struct{ zero time.Time }

func (c clock) now() time.Duration { return time.Since(c.zero) }

// voice gives a participant's packets, again and again, each with its stamp. It is used by one
// Client.Speak at a time; said is for everybody.
type voice struct {
	clock   clock
	packets [][]byte // stampable, shared with other voices and so copied
	next    int
	until   time.Duration
	buf     []byte
	said    atomic.Uint32 // packets so far; the last one's number
}

// Next is for Client.Speak.
func (v *voice) Next() (packet []byte, samples48k int, level uint8, err error) {
	if v.clock.now() >= v.until {
		return nil, 0, 0, io.EOF
	}
	v.buf = append(v.buf[:0], v.packets[v.next]...)
	v.next = (v.next + 1) % len(v.packets)
	return v.buf, frame48k, voiceLevel, nil
}

// Stamp is for Client.Speak, at the moment of sending.
func (v *voice) Stamp(packet []byte) { stamp(packet, v.said.Add(1), v.clock.now()) }

const (
	frame48k   = 960 // samples of 20 ms
	voiceLevel = 20  // dB below full scale, as RTP says it
)

// ear counts what a participant hears.
type ear struct {
	clock clock

	mu      sync.Mutex // guards the fields below
	heard   map[string]*heard
	latency histogram
}

// heard counts one voice. Sequence numbers are the client's business; numbers are the stamps'.
type heard struct {
	first, packets uint32
	duplicated     uint32
	seen           map[uint32]struct{} // the last second's
}

func newEar(c clock) *ear { return &ear{clock: c, heard: map[string]*heard{}} }

// hear takes a packet from another participant.
func (e *ear) hear(from string, p *rtp.Packet) {
	now := e.clock.now()
	number, sentAt, ok := stamped(p.Payload)
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.heard[from]
	if h == nil {
		h = &heard{first: number, seen: map[uint32]struct{}{}}
		e.heard[from] = h
	}
	if _, again := h.seen[number]; again {
		h.duplicated++
		return
	}
	h.seen[number] = struct{}{}
	delete(h.seen, number-memory)
	h.first = min(h.first, number)
	h.packets++
	e.latency.add(now - sentAt)
}

// memory is how many packets back a repetition is known.
const memory = 50

// count says how many packets were expected of a voice that has said so many, how many came, and
// how many came twice. Those before the first that was heard are not expected: the track was not
// there yet. Of a voice that was never heard all are.
func (e *ear) count(from string, said uint32) (expected, received, duplicated uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.heard[from]
	if h == nil {
		return uint64(said), 0, 0
	}
	return uint64(said - h.first + 1), uint64(h.packets), uint64(h.duplicated)
}

var _ client.Stamper = (*voice)(nil)
