package speech

import (
	"math"
	"slices"

	"bedside/store"
)

const (
	// leastGap is the shortest time without a frame that a lost connection explains, in seconds.
	leastGap = 0.2
	// lostGap is the shortest time without a frame that is an interruption by itself, when at
	// least lostFrames are missing in it. Shorter losses are concealed.
	lostGap    = 0.5
	lostFrames = 5
	// least is the shortest interruption that is reported, in seconds.
	least = 0.1
	// nearGap is how far the media server's knowledge of a loss may lie from the gap that it is
	// about, in seconds: the server learns of both ends late.
	nearGap = 0.25
)

// gap is a time in which no frame of a voice arrived, in seconds.
type gap struct {
	store.Span
	lost    int  // frames known to be missing in it
	dropped bool // the log did not keep up, or lacks messages
}

// evidence is what is known of a voice's interruptions. Times are seconds on the time line.
type evidence struct {
	causes []store.Interruption // as the log's events say; may overlap
	gaps   []gap                // of at least leastGap, in order
	speech []store.Span         // heard in the recording, in order
	end    float64              // of the time line
}

// interruptions returns the interruptions of a voice, in order and apart from one another.
//
// The media server learns late that a connection is lost, and frames come late when it is back.
// So an interruption by a lost connection or a restart is the gap in the frames, and without a
// gap there was none. A gap with missing frames is an interruption whichever part noticed it. A
// page in the background interrupts only while nothing is heard: most browsers let a hidden page
// speak.
func (e evidence) interruptions() []store.Interruption {
	spans := map[store.Cause][]store.Span{}
	add := func(c store.Cause, s ...store.Span) { spans[c] = store.Union(spans[c], s) }
	for _, g := range e.gaps {
		cause := store.CauseConnectionLost
		if g.dropped {
			cause = store.CauseStorage
		}
		if g.EndS-g.StartS >= lostGap && g.lost >= lostFrames {
			add(cause, g.Span)
		}
	}
	for _, i := range e.causes {
		switch i.Cause {
		case store.CauseConnectionLost:
			for _, g := range e.gaps {
				if g.StartS < i.ToS+nearGap && g.EndS > i.FromS-nearGap {
					add(i.Cause, g.Span)
				}
			}
		case store.CauseServerRestarted:
			if g, ok := e.restartGap(i.Span()); ok {
				add(i.Cause, g)
			}
		case store.CausePageHidden:
			add(i.Cause, store.NewTiming([]store.Span{i.Span()}, e.speech, nil).Runs...)
		default:
			add(i.Cause, i.Span())
		}
	}
	return e.resolve(spans)
}

// restartGap returns the gap that a restart made: the one that covers most of it. What a new
// connection loses soon after the restart is another matter.
func (e evidence) restartGap(restart store.Span) (store.Span, bool) {
	var longest store.Span
	most := 0.0
	for _, g := range e.gaps {
		covered := min(g.EndS, restart.EndS+nearGap) - max(g.StartS, restart.StartS-nearGap)
		if covered > most {
			longest, most = g.Span, covered
		}
	}
	return longest, most > 0
}

// resolve gives each time to the first of the causes that hold.
func (e evidence) resolve(spans map[store.Cause][]store.Span) []store.Interruption {
	list := []store.Interruption{}
	var taken []store.Span
	for _, cause := range store.Causes() {
		var within []store.Span
		for _, s := range spans[cause] {
			s = store.Span{
				StartS: math.Floor(max(s.StartS, 0)*100+1e-6) / 100,
				EndS:   math.Ceil(min(s.EndS, e.end)*100-1e-6) / 100,
			}
			if s.EndS > s.StartS {
				within = append(within, s)
			}
		}
		within = store.Union(within) // rounded, they may touch
		for _, s := range store.NewTiming(within, taken, nil).Runs {
			if s.EndS-s.StartS < least {
				continue
			}
			list = append(list, store.Interruption{FromS: s.StartS, ToS: s.EndS, Cause: cause})
		}
		taken = store.Union(taken, within)
	}
	slices.SortFunc(list, func(a, b store.Interruption) int {
		return int(math.Round(100 * (a.FromS - b.FromS)))
	})
	return list
}

const (
	// leastLeft and leastShare are what interruptions must leave of a voice's time line for the
	// rest to be measured, in seconds and as a share.
	leastLeft  = 3.0
	leastShare = 0.1
)

// tooLittleLeft reports whether interruptions left too little to measure.
func tooLittleLeft(list []store.Interruption, end float64) bool {
	left := end
	for _, i := range list {
		left -= i.ToS - i.FromS
	}
	return len(list) > 0 && left < max(leastLeft, leastShare*end)
}
