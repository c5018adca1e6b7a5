package actor

import (
	"cmp"
	"slices"
	"time"

	"bedside/speech/part"
)

const (
	// heldFor is how long a place is held for a room that has not confirmed yet.
	heldFor = 3 * time.Second
	// asksWithin is how long a room waits at most between two calls while all places are taken.
	// One that has not asked for so long has gone.
	asksWithin = 3 * time.Second
)

// queue gives out the places of a company. It is pure: the caller gives the time.
type queue struct {
	places  int
	worker  string
	playing map[string]int // generations, by attempt
	held    map[string]hold
	waiting map[string]wait
}

type hold struct {
	call  part.Call
	until time.Time
}

type wait struct {
	since int64
	until time.Time
}

func newQueue(places int, worker string) *queue {
	return &queue{
		places: places, worker: worker, playing: map[string]int{}, held: map[string]hold{},
		waiting: map[string]wait{},
	}
}

// call answers a room: with a place that is held for it, or with its place in the queue. A room
// whose actor is here gets the same place again.
func (q *queue) call(c part.Call, now time.Time) part.Message {
	q.expire(now)
	_, plays := q.playing[c.Attempt]
	_, holds := q.held[c.Attempt]
	if !plays && !holds {
		q.waiting[c.Attempt] = wait{c.Since, now.Add(asksWithin)}
		if place := q.place(c.Attempt); place > q.free() {
			return part.Busy{Place: place - max(q.free(), 0)}
		}
	}
	delete(q.waiting, c.Attempt)
	q.held[c.Attempt] = hold{c, now.Add(heldFor)}
	return part.Taken{Worker: q.worker}
}

// confirm returns the call for which a place was held, which is taken now.
func (q *queue) confirm(c part.Confirm, now time.Time) (part.Call, bool) {
	q.expire(now)
	h, ok := q.held[c.Attempt]
	if !ok || h.call.Generation != c.Generation {
		return part.Call{}, false
	}
	delete(q.held, c.Attempt)
	q.playing[c.Attempt] = c.Generation
	return h.call, true
}

// release frees what is held or kept in the queue for a room that has found an actor elsewhere.
func (q *queue) release(attempt string) {
	delete(q.held, attempt)
	delete(q.waiting, attempt)
}

// left frees the place of an actor, unless a later one of the attempt has it.
func (q *queue) left(attempt string, generation int) {
	if q.playing[attempt] == generation {
		delete(q.playing, attempt)
	}
}

func (q *queue) expire(now time.Time) {
	for attempt, h := range q.held {
		if !now.Before(h.until) {
			delete(q.held, attempt)
		}
	}
	for attempt, w := range q.waiting {
		if !now.Before(w.until) {
			delete(q.waiting, attempt)
		}
	}
}

// free returns how many places nobody has. A place that is held for the next actor of an attempt
// that plays is not counted twice.
func (q *queue) free() int {
	taken := len(q.playing)
	for attempt := range q.held {
		if _, plays := q.playing[attempt]; !plays {
			taken++
		}
	}
	return q.places - taken
}

// place returns an attempt's place in the queue, from 1 on: who has called first comes first.
func (q *queue) place(attempt string) int {
	var order []string
	for a := range q.waiting {
		order = append(order, a)
	}
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(q.waiting[a].since, q.waiting[b].since), cmp.Compare(a, b))
	})
	return slices.Index(order, attempt) + 1
}
