package rehearsal

import (
	"io"
	"sync"
	"time"
)

// Packet is an Opus packet of something to say.
type Packet struct {
	Payload []byte
	Samples int   // its duration, at 48 kHz
	Level   uint8 // in dB below full scale: 0 is the loudest
}

// audible is the level from which a packet counts as speech, in dB below full scale.
const audible = 50

// microphone is a client.PacketSource without an end until it is closed, as a real microphone: it
// sends the lines that are said, and the sound of the room between them. Its methods are safe for
// concurrent use.
type microphone struct {
	room []Packet

	mu     sync.Mutex
	queue  []Packet      // guarded by mu
	said   chan struct{} // guarded by mu; closed when the queue has been sent
	sound  Packet        // the packet that is sent next; guarded by mu
	begun  time.Time     // when the first audible packet of the line was sent; guarded by mu
	spoken time.Time     // when the last one was; guarded by mu
	at     int           // in the sound of the room; guarded by mu
	closed bool          // guarded by mu
}

// Next implements client.PacketSource.
func (m *microphone) Next() (packet []byte, samples48k int, level uint8, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, 0, 0, io.EOF
	}
	if len(m.queue) == 0 {
		if m.said != nil {
			close(m.said)
			m.said = nil
		}
		m.sound = m.room[m.at%len(m.room)]
		m.at++
	} else {
		m.sound, m.queue = m.queue[0], m.queue[1:]
	}
	return m.sound.Payload, m.sound.Samples, m.sound.Level, nil
}

// Stamp implements client.Stamper: it is called when the packet is sent.
func (m *microphone) Stamp([]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sound.Level <= audible {
		now := time.Now()
		if m.spoken = now; m.begun.IsZero() {
			m.begun = now
		}
	}
}

// say queues a line, and returns a channel that is closed when it was sent. Only one line may be
// queued.
func (m *microphone) say(line []Packet) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queue, m.begun, m.spoken = line, time.Time{}, time.Time{}
	m.said = make(chan struct{})
	return m.said
}

// times returns when the first and the last audible packet of the line were sent.
func (m *microphone) times() (first, last time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.begun, m.spoken
}

func (m *microphone) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}

// ear hears when the patient speaks. It is safe for concurrent use.
type ear struct {
	mu     sync.Mutex
	heard  []time.Time   // audible packets; guarded by mu
	change chan struct{} // guarded by mu; closed at the next one
}

func newEar() *ear { return &ear{change: make(chan struct{})} }

// hear takes the level of a packet that has arrived.
func (e *ear) hear(level uint8, at time.Time) {
	if level > audible {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, at)
	close(e.change)
	e.change = make(chan struct{})
}

// between returns the first and the last audible packet between two times; false when there is
// none. A zero to is no limit. The channel is closed when another one arrives.
func (e *ear) between(from, to time.Time) (first, last time.Time, ok bool, more <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, at := range e.heard {
		if at.Before(from) || !to.IsZero() && !at.Before(to) {
			continue
		}
		if !ok {
			first, ok = at, true
		}
		last = at
	}
	return first, last, ok, e.change
}

// endOf returns the last audible packet of the line that the patient was saying at a time: the one
// before a silence of gap. It returns the time itself when there was none.
func (e *ear) endOf(at time.Time, gap time.Duration) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, heard := range e.heard {
		if heard.Before(at) {
			continue
		}
		if heard.Sub(at) >= gap {
			break
		}
		at = heard
	}
	return at
}
