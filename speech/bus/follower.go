package bus

import (
	"context"
	"strconv"

	"bedside/speech/frame"

	"github.com/nats-io/nats.go/jetstream"
)

// Follower reads an attempt's log beside the worker that analyses it. It holds nothing: when the
// log is removed, there is nothing more to read. It belongs to one goroutine, which closes it.
type Follower struct {
	bus     *Bus
	attempt string
	log     *reader
	order   messageOrder
	fence   fence
	stop    context.CancelFunc
}

// Follow returns a follower that begins with the first message of an attempt's log.
func (b *Bus) Follow(attempt string) (*Follower, error) {
	if err := checkAttempt(attempt); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(b.ctx)
	return &Follower{
		bus: b, attempt: attempt, stop: cancel,
		log: &reader{bus: b, attempt: attempt, life: ctx},
	}, nil
}

// Next waits for the next message and returns it. It skips what it cannot read, and what a media
// server wrote that had lost the room; so does Claim.Next. It returns an error when ctx ends or
// the bus is closed.
func (f *Follower) Next(ctx context.Context) (frame.Delivery, error) {
	for {
		m, err := f.log.next(ctx)
		if err != nil {
			return frame.Delivery{}, err
		}
		if f.fence.skips(f.bus, f.attempt, m) {
			continue
		}
		missing, repeated := f.order.add(m)
		if repeated {
			continue
		}
		d, skip, err := delivery(m.Subject(), m.Data())
		if err != nil || skip {
			continue // a claim counts and logs what is malformed
		}
		d.Missing = missing
		return d, nil
	}
}

// Close ends the follower.
func (f *Follower) Close() {
	f.log.dropBatch()
	f.stop()
}

// fence skips what a media server wrote after another one had taken the room and begun to write.
// The zero value is ready.
type fence struct {
	newest int64
	warned bool
}

// skips reports whether a message is to be skipped. Its writer does not count as alive.
func (f *fence) skips(b *Bus, attempt string, m jetstream.Msg) bool {
	number, _ := strconv.ParseInt(m.Headers().Get(fenceHeader), 10, 64) // 0 without the header
	if number >= f.newest {
		f.newest = number
		return false
	}
	b.metrics.fenced.Inc()
	if !f.warned {
		f.warned = true
		b.log.Warn("skipping what a media server wrote that had lost the room", "attempt",
			attempt, "fence", number, "newest", f.newest)
	}
	return true
}
