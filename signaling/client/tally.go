package client

import "time"

// Received counts what has arrived from one participant. Lost counts the sequence numbers between
// the first and the newest that did not arrive; a packet that is retransmitted is no longer lost.
type Received struct {
	Packets    uint64    `json:"packets"` // each once
	Bytes      uint64    `json:"bytes"`   // of payload
	Lost       uint64    `json:"lost"`
	Duplicated uint64    `json:"duplicated"`
	Late       uint64    `json:"late"`    // arrived after a newer one
	Streams    int       `json:"streams"` // RTP streams so far
	FirstAt    time.Time `json:"first_at"`
}

// tally follows the sequence numbers of one RTP stream. It is not safe for concurrent use.
type tally struct {
	begun   bool
	highest int64 // extended sequence number
	first   int64
	seen    [window / 64]uint64 // one bit for each of the last sequence numbers
	Received
}

// window is the number of sequence numbers that are remembered. Older packets count as duplicates.
const window = 2048

// add counts a packet and reports whether it is new.
func (t *tally) add(seq uint16, size int, at time.Time) bool {
	if !t.begun {
		t.begun, t.first, t.highest = true, int64(seq), int64(seq)
		t.FirstAt, t.Streams = at, 1
		t.mark(t.highest)
		t.count(size)
		return true
	}
	n := t.highest + int64(int16(seq-uint16(t.highest)))
	switch {
	case n > t.highest:
		for i := max(t.highest+1, n-window+1); i <= n; i++ {
			t.seen[t.word(i)] &^= t.bit(i)
		}
		t.highest = n
	case n <= t.highest-window || n < t.first || t.seen[t.word(n)]&t.bit(n) != 0:
		t.Duplicated++
		return false
	default:
		t.Late++
	}
	t.mark(n)
	t.count(size)
	return true
}

func (t *tally) count(size int) {
	t.Packets++
	t.Bytes += uint64(size)
	t.Lost = uint64(t.highest-t.first+1) - t.Packets
}

func (t *tally) mark(n int64)       { t.seen[t.word(n)] |= t.bit(n) }
func (t *tally) word(n int64) int64 { return (n & (window - 1)) / 64 }
func (t *tally) bit(n int64) uint64 { return 1 << (n & 63) }

// plus returns the sum of two streams of one participant.
func (r Received) plus(o Received) Received {
	r.Packets += o.Packets
	r.Bytes += o.Bytes
	r.Lost += o.Lost
	r.Duplicated += o.Duplicated
	r.Late += o.Late
	r.Streams += o.Streams
	if r.FirstAt.IsZero() || !o.FirstAt.IsZero() && o.FirstAt.Before(r.FirstAt) {
		r.FirstAt = o.FirstAt
	}
	return r
}
