package speech

import (
	"cmp"
	"math"
	"slices"

	"bedside/speech/event"
	"bedside/store"
)

// interval is a time in which a cause kept a speaker from being heard, in microseconds since 1970.
type interval struct {
	cause    store.Cause
	from, to int64
}

// causes follows the events of an attempt's log and knows when which cause held for which speaker.
// It belongs to its conversation.
type causes struct {
	start    int64 // of the play
	opened   int64 // when the media server of now began to write; 0: no event said so
	last     int64 // the latest time in the log
	speakers map[store.Speaker]*speakerCauses
}

// speakerCauses are the causes of one speaker.
type speakerCauses struct {
	open   map[store.Cause]int64 // since when the causes of now hold
	closed []interval
}

// newCauses returns the causes of a play that began at start.
func newCauses(start int64) *causes {
	return &causes{start: start, last: start, speakers: map[store.Speaker]*speakerCauses{
		store.SpeakerCandidate: {open: map[store.Cause]int64{}},
		store.SpeakerPatient:   {open: map[store.Cause]int64{}},
	}}
}

// lateOpening is the time after the start of a play from which a first opening of its log shows
// that an earlier one was lost, in microseconds.
const lateOpening = 500_000

// addOpened adds that a media server began to write. If there was one before, it was away since
// the last that the log has of it, and what it knew of the speakers is over.
func (c *causes) addOpened(e event.Opened) {
	if c.opened != 0 || e.At-c.start > lateOpening {
		for _, s := range c.speakers {
			for cause := range s.open {
				s.end(cause, c.last)
			}
			s.begin(store.CauseServerRestarted, c.last)
		}
	}
	c.opened = e.At
	c.addTime(e.At)
}

// addChanged adds that a cause began or ended. Unknown speakers and causes are skipped.
func (c *causes) addChanged(e event.Changed) {
	s, ok := c.speakers[store.Speaker(e.Speaker)]
	if cause := store.Cause(e.Cause); ok && slices.Contains(store.Causes(), cause) {
		if e.On {
			s.begin(cause, e.At)
		} else {
			s.end(cause, e.At)
		}
	}
	c.addTime(e.At)
}

// addFrame adds that a frame of a speaker arrived. The first one that a restarted media server
// receives ends the interruption.
func (c *causes) addFrame(who store.Speaker, arrival int64) {
	if arrival >= c.opened {
		c.speakers[who].end(store.CauseServerRestarted, arrival)
	}
	c.addTime(arrival)
}

func (c *causes) addTime(at int64) { c.last = max(c.last, at) }

// of returns the intervals of a speaker. Causes that still hold end with the log.
func (c *causes) of(who store.Speaker) []interval {
	s := c.speakers[who]
	all := slices.Clone(s.closed)
	for cause, from := range s.open {
		all = append(all, interval{cause, from, math.MaxInt64})
	}
	slices.SortFunc(all, func(a, b interval) int { // the order of a map is random
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.cause, b.cause))
	})
	return all
}

func (s *speakerCauses) begin(c store.Cause, at int64) {
	if _, ok := s.open[c]; !ok {
		s.open[c] = at
	}
}

func (s *speakerCauses) end(c store.Cause, at int64) {
	if from, ok := s.open[c]; ok {
		s.closed = append(s.closed, interval{c, from, max(from, at)})
		delete(s.open, c)
	}
}
