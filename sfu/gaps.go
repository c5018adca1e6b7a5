package sfu

import "time"

const (
	maxGaps      = 64                    // missing packets that are watched at the same time
	maxAsks      = 5                     // requests for one packet
	reorderDelay = 10 * time.Millisecond // a packet that comes within it was only overtaken
	firstRetry   = 60 * time.Millisecond // doubled with each request
	lastRetry    = 400 * time.Millisecond
)

// gaps watches the sequence numbers of one stream and says which packets to ask for again. Time
// moves with the packets that arrive, so it needs no timer. It belongs to one goroutine and does
// not allocate.
type gaps struct {
	started bool
	highest uint16
	missing [maxGaps]gap
	n       int // of missing in use, in order of sequence
	asks    [maxGaps]uint16
	lost    int // given up, since the last call of takeLost
}

type gap struct {
	seq  uint16
	asks int
	next time.Time
}

// add notes the arrival of a packet and returns the sequence numbers to ask for now, valid until
// the next call.
func (g *gaps) add(seq uint16, now time.Time) []uint16 {
	ahead := int16(seq - g.highest)
	switch {
	case !g.started:
		g.started, g.highest = true, seq
	// a new start of the stream, or an outage that repair cannot fill
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
	asks, kept := 0, 0
	for _, m := range g.missing[:g.n] {
		if !now.Before(m.next) {
			if m.asks == maxAsks {
				g.lost++
				continue
			}
			g.asks[asks] = m.seq
			asks++
			m.next = now.Add(min(firstRetry<<m.asks, lastRetry))
			m.asks++
		}
		g.missing[kept] = m
		kept++
	}
	g.n = kept
	return g.asks[:asks]
}

// takeLost returns how many packets were given up since the last call.
func (g *gaps) takeLost() int {
	n := g.lost
	g.lost = 0
	return n
}
