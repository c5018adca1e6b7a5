package sfu

import (
	"sync"
	"time"
)

// Limits of what a participant may publish. Opus packets of 20 ms are 50 a second, of 10 ms 100,
// and Opus has at most 510 kbit/s; the rest is for headers and clocks that run fast.
const (
	packetsPerSecond = 110
	bytesPerSecond   = 510_000/8 + packetsPerSecond*24
	// rateBurst is the time whose packets may arrive at once, as they do after a network was
	// stuck.
	rateBurst = 5 * time.Second
)

// rateLimit limits the packets and bytes of one publisher, over all its tracks. Safe for
// concurrent use.
type rateLimit struct {
	mu             sync.Mutex
	packets, bytes bucket // guarded by mu
}

// bucket is a token bucket. It stores only the time at which it is full again.
type bucket struct{ full time.Time }

// debt returns the debt after n more units, of which perSecond come back in a second, and reports
// whether they are available.
func (b *bucket) debt(n, perSecond int, now time.Time) (time.Duration, bool) {
	debt := max(b.full.Sub(now), 0) + time.Duration(n)*time.Second/time.Duration(perSecond)
	return debt, debt <= rateBurst
}

// take takes a packet of that size from both buckets, or from neither, and reports whether it did.
// If not, the packet must be dropped for the returned cause.
func (l *rateLimit) take(size int, now time.Time) (dropCause, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	packets, ok := l.packets.debt(1, packetsPerSecond, now)
	if !ok {
		return dropPackets, false
	}
	bytes, ok := l.bytes.debt(size, bytesPerSecond, now)
	if !ok {
		return dropBytes, false
	}
	l.packets.full, l.bytes.full = now.Add(packets), now.Add(bytes)
	return 0, true
}

// dropCause says why a packet was dropped.
type dropCause int

const (
	dropInvalid dropCause = iota // it cannot be parsed, or has another payload type
	dropPackets                  // its publisher sends too many packets
	dropBytes                    // its publisher sends too many bytes
	dropUnsent                   // it could not be sent to a subscriber
	dropCauses
)

// String returns the value of the metric's label.
func (c dropCause) String() string {
	return [dropCauses]string{"invalid", "packet_rate", "byte_rate", "unsent"}[c]
}
