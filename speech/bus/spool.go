package bus

import (
	"sync/atomic"
	"time"
)

const (
	// spillAbove is the number of frames in a ring from which the oldest go into its backlog.
	spillAbove = ringFrames / 2
	// spillEvery is the interval at which the rings are looked at.
	spillEvery = time.Second
	// speakerShare is the part of the spool that one speaker may use.
	speakerShare = 8
)

// spool bounds the backlogs of all taps of a process.
type spool struct {
	dir    string // for files; empty: none
	memory budget
	disk   budget
}

// budget is a number of bytes, and how many of them are used. Safe for concurrent use.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take uses n bytes, if so many are left.
func (b *budget) take(n int) bool {
	if b.used.Add(int64(n)) > b.limit {
		b.used.Add(-int64(n))
		return false
	}
	return true
}

func (b *budget) give(n int) { b.used.Add(-int64(n)) }

func newSpool(c Config) *spool {
	s := &spool{dir: c.SpoolDir}
	s.memory.limit = int64(c.SpoolMB) << 20
	if s.dir != "" {
		s.disk.limit = int64(c.SpoolDirMB) << 20
	}
	return s
}

// spill moves frames from rings that fill up into their backlogs, until the bus is closed. It is a
// goroutine of its own, since the taps wait for NATS meanwhile and files may be slow.
func (b *Bus) spill() {
	tick := time.NewTicker(spillEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-tick.C:
		}
		for _, t := range b.allTaps() {
			for _, r := range t.allRings() {
				if lost, err := r.spill(); lost > 0 {
					b.metrics.refused.Add(float64(lost))
					b.log.Error("cannot keep audio in the spool: speech is lost", "attempt",
						t.attempt, "speaker", r.speaker, "frames", lost, "error", err)
				}
			}
		}
		b.metrics.spooled.Set(float64(b.spool.memory.used.Load() + b.spool.disk.used.Load()))
	}
}

// spill moves the oldest frames into the backlog while the ring is half full and the backlog has
// space. Without space the ring drops them later, when it is full. It returns how many frames were
// lost because they could not be written.
func (r *ring) spill() (lost int, err error) {
	l := r.backlog
	l.mu.Lock()
	defer l.mu.Unlock()
	for err == nil && r.waiting() >= spillAbove && l.hasSpace() {
		out, n, dropped := r.take(nil, batchFrames)
		if err = l.push(batch{out, n, dropped}); err != nil {
			r.lose(n + dropped)
			lost += n
		}
	}
	return lost, err
}
