package sfu

import "time"

const (
	maxGaps      = 64                     // missing packets that are tracked at the same time
	maxRequests  = 10                     // of one packet
	reorderDelay = 10 * time.Millisecond  // a packet that arrives within it was only overtaken
	firstTimeout = 60 * time.Millisecond  // until a round trip has been measured
	minTimeout   = 20 * time.Millisecond  // between two requests of a packet
	maxTimeout   = 400 * time.Millisecond // between two requests of a packet
	// playoutDeadline is how long after it was missed a packet can still be of use: no browser
	// delays speech for longer.
	playoutDeadline = time.Second
)

// lossCause says why a missing packet is no longer requested.
type lossCause int

const (
	lostUnanswered lossCause = iota // requested maxRequests times
	lostLate                        // its playout deadline has passed
	lostOverflow                    // more than maxGaps packets were missing
	lostOutage                      // the stream jumped: a restart, or a long outage
	lossCauses
)

// String returns the value of the metric's label.
func (c lossCause) String() string {
	return [lossCauses]string{"unanswered", "late", "overflow", "outage"}[c]
}

// gaps tracks which packets of one stream are missing, and decides when to request each again
// with a generic NACK (RFC 4585, section 6.2.1). A packet is missing when a later one has arrived.
// It is requested after reorderDelay, and again after a timeout that follows the measured round
// trip (RFC 6298) and grows by half each time. Not safe for concurrent use. It does not allocate.
type gaps struct {
	started bool
	highest uint16
	missing [maxGaps]gap
	n       int // of missing in use, in the order of their sequence numbers
	ask     [maxGaps]uint16

	roundTrip, variation time.Duration // smoothed; roundTrip is 0 until it has been measured

	repaired int             // requested packets that arrived, since the last take
	lost     [lossCauses]int // since the last take
}

type gap struct {
	seq      uint16
	requests int
	since    time.Time // when it was missed
	asked    time.Time // when it was last requested
	next     time.Time // when to request it, or to give up
}

// add records the arrival of a packet.
func (g *gaps) add(seq uint16, now time.Time) {
	ahead := int16(seq - g.highest)
	switch {
	case !g.started:
		g.started, g.highest = true, seq
	case ahead > maxGaps || ahead < -1000:
		g.lost[lostOutage] += g.n
		if ahead > 0 {
			g.lost[lostOutage] += int(ahead) - 1
		}
		g.n, g.highest = 0, seq
	case ahead > 0:
		for s := g.highest + 1; s != seq; s++ {
			g.miss(s, now)
		}
		g.highest = seq
	default:
		g.found(seq, now)
	}
}

func (g *gaps) miss(seq uint16, now time.Time) {
	if g.n == maxGaps {
		copy(g.missing[:], g.missing[1:])
		g.n--
		g.lost[lostOverflow]++
	}
	g.missing[g.n] = gap{seq: seq, since: now, next: now.Add(reorderDelay)}
	g.n++
}

func (g *gaps) found(seq uint16, now time.Time) {
	for i, m := range g.missing[:g.n] {
		if m.seq != seq {
			continue
		}
		if m.requests > 0 {
			g.repaired++
		}
		// After several requests it is not known which one was answered (Karn's algorithm).
		if m.requests == 1 {
			g.measure(now.Sub(m.asked))
		}
		copy(g.missing[i:], g.missing[i+1:g.n])
		g.n--
		return
	}
}

// measure updates the round trip with one sample, as RFC 6298, section 2 does.
func (g *gaps) measure(sample time.Duration) {
	if g.roundTrip == 0 {
		g.roundTrip, g.variation = max(sample, 1), sample/2
		return
	}
	g.variation += ((g.roundTrip - sample).Abs() - g.variation) / 4
	g.roundTrip += (sample - g.roundTrip) / 8
}

// timeout returns how long to wait for the answer to a packet's nth request, from 1.
func (g *gaps) timeout(n int) time.Duration {
	wait := firstTimeout
	if g.roundTrip > 0 {
		wait = max(g.roundTrip+4*g.variation, minTimeout)
	}
	for range n - 1 {
		wait += wait / 2
	}
	return min(wait, maxTimeout)
}

// due returns the sequence numbers to request now, valid until the next call, and how long after
// now it must be called again; 0 when nothing is missing.
func (g *gaps) due(now time.Time) (ask []uint16, again time.Duration) {
	asks, kept := 0, 0
	for _, m := range g.missing[:g.n] {
		deadline := m.since.Add(playoutDeadline)
		switch {
		case !now.Before(deadline):
			g.lost[lostLate]++
			continue
		case !now.Before(m.next) && m.requests == maxRequests:
			g.lost[lostUnanswered]++
			continue
		case !now.Before(m.next):
			g.ask[asks] = m.seq
			asks++
			m.requests++
			m.asked = now
			m.next = now.Add(g.timeout(m.requests))
			if m.next.After(deadline) {
				m.next = deadline
			}
		}
		g.missing[kept] = m
		kept++
		if wait := m.next.Sub(now); again == 0 || wait < again {
			again = wait
		}
	}
	g.n = kept
	return g.ask[:asks], again
}

// take returns the counts since its last call.
func (g *gaps) take() (repaired int, lost [lossCauses]int) {
	repaired, lost = g.repaired, g.lost
	g.repaired, g.lost = 0, [lossCauses]int{}
	return repaired, lost
}
