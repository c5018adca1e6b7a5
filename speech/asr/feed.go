package asr

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// maxFeed is how many words a Feed keeps.
const maxFeed = 2000

// Feed collects the words that a speaker's browser has recognised and sends. Results of browsers
// are interim until they are final: what comes next replaces an interim one. Times are in seconds
// of a time line of the caller's. Streams that get only a part of the sound have another one,
// which Zero and Context.Began relate to it. A Feed is safe for concurrent use.
type Feed struct {
	mu      sync.Mutex // guards the fields below
	final   []Word     // in the order of their times
	interim []Word
	zero    float64
	changed chan struct{} // closed and replaced when words come
}

// Used reports whether words have come.
func (f *Feed) Used() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.final)+len(f.interim) > 0
}

// NewFeed returns a feed without words.
func NewFeed() *Feed { return &Feed{changed: make(chan struct{})} }

// Add takes a result. Final words that were sent
// before, as a browser does that has connected again, are not taken twice.
func (f *Feed) Add(words []Word, final bool) {
	words = slices.Clone(words)
	slices.SortStableFunc(words, func(a, b Word) int { return cmp.Compare(a.From, b.From) })
	f.mu.Lock()
	defer f.mu.Unlock()
	words = f.fresh(words)
	if final {
		f.final = append(f.final, words...)
		f.final = f.final[max(0, len(f.final)-maxFeed):]
		f.interim = nil
	} else {
		f.interim = words[:min(len(words), maxFeed)]
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// fresh returns the words that begin after the last final one.
func (f *Feed) fresh(words []Word) []Word {
	if len(f.final) == 0 {
		return words
	}
	last := f.final[len(f.final)-1]
	return slices.DeleteFunc(words, func(w Word) bool {
		return w.From < last.To && w.From <= last.From
	})
}

// Zero sets where the time line of Between begins on that of Add.
func (f *Feed) Zero(at float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.zero = at
}

// Between returns the words whose middle is between two times since Zero, with such times, and
// whether all are final.
func (f *Feed) Between(from, to float64) (words []Word, final bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := func(list []Word) (in []Word) {
		for _, w := range list {
			w.From, w.To = w.From-f.zero, w.To-f.zero
			if middle := (w.From + w.To) / 2; middle >= from && middle < to {
				in = append(in, w)
			}
		}
		return in
	}
	words = in(f.final)
	interim := in(f.interim)
	return append(words, interim...), len(interim) == 0
}

// Wait waits until more words come, done returns true, or ctx ends. It calls done at once and
// after all that comes.
func (f *Feed) Wait(ctx context.Context, done func() bool) error {
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
