package sfu

import "time"

const (
	maxGaps      = 64                    // missing packets that are tracked at the same time
	maxRequests  = 5                     // for one packet
	reorderDelay = 10 * time.Millisecond // before the first request, in case it was only overtaken
	firstRetry   = 60 * time.Millisecond // doubled with each request
	lastRetry    = 400 * time.Millisecond
)

// gaps tracks the sequence numbers of one stream and returns which packets to request again. Time
// advances with the packets that arrive, so it needs no timer. It belongs to one goroutine and
// does not allocate.
type gaps struct {
	started bool
	highest uint16
	missing [maxGaps]gap // in order of sequence
	n       int          // entries of missing in use
	request [maxGaps]uint16
	lost    int // given up since the last call of takeLost
}

type gap struct {
	seq      uint16
	requests int // so far
	next     time.Time
}

// add records the arrival of a packet and returns the sequence numbers to request now. The slice
// is valid until the next call.
func (g *gaps) add(seq uint16, now time.Time) []uint16 {
	ahead := int16(seq - g.highest)
	switch {
	case !g.started:
		g.started, g.highest = true, seq
	// the stream started anew, or an outage is too long for retransmission
	case ahead > maxGaps || ahead < -1000:
		g.lost += g.n
		if ahead > 0 {
			g.lost += int(ahead) - 1
		}
		g.n, g.highest = 0, seq
	case ahead > 0:
		for s := g.highest + 1; s != seq; s++ {
			g.watch(s, now)
		}
		g.highest = seq
	default:
		g.found(seq)
	}
	return g.due(now)
}

func (g *gaps) watch(seq uint16, now time.Time) {
	if g.n == maxGaps {
		copy(g.missing[:], g.missing[1:])
		g.n--
		g.lost++
	}
	g.missing[g.n] = gap{seq: seq, next: now.Add(reorderDelay)}
	g.n++
}

func (g *gaps) found(seq uint16) {
	for i := range g.n {
		if g.missing[i].seq == seq {
			copy(g.missing[i:], g.missing[i+1:g.n])
			g.n--
			return
		}
	}
}

func (g *gaps) due(now time.Time) []uint16 {
	requests, kept := 0, 0
	for _, m := range g.missing[:g.n] {
		if !now.Before(m.next) {
			if m.requests == maxRequests {
				g.lost++
				continue
			}
			g.request[requests] = m.seq
			requests++
			m.next = now.Add(min(firstRetry<<m.requests, lastRetry))
			m.requests++
		}
		g.missing[kept] = m
		kept++
	}
	g.n = kept
	return g.request[:requests]
}

// takeLost returns how many packets were given up since the last call.
func (g *gaps) takeLost() int {
	n := g.lost
	g.lost = 0
	return n
}
