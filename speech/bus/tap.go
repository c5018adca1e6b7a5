package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"bedside/speech/frame"
	"bedside/store/wait"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// batchFrames is how many frames go into a message at most.
	batchFrames = 50
	// maxPlay is how long a tap that nobody ends shows that it lives.
	maxPlay = 2 * time.Hour
)

// tap takes what is said in one attempt to the log. Its goroutine publishes; the media path only
// fills rings. The bus owns it.
type tap struct {
	bus     *Bus
	attempt string
	started time.Time
	born    time.Time
	stop    chan struct{} // closed by close: flush, then end
	done    chan struct{}
	once    sync.Once
	failed  error // set before done is closed

	mu    sync.Mutex
	rings []*ring // in order of appearance; guarded by mu
	epoch uint16  // the last given; guarded by mu

	// Owned by the goroutine.
	sent  uint64
	buf   []byte
	heard time.Time // when the last message was published
	first string    // makes message ids unique across restarts of the process
}

// Writer puts one RTP stream of one speaker into the log. Write belongs to one goroutine.
type Writer struct {
	ring  *ring
	epoch uint16
	m     *metrics
}

// Write copies a packet. It never blocks: when the log does not keep up the oldest frames are
// dropped, and counted in the log.
func (w *Writer) Write(sequence uint16, timestamp uint32, arrival time.Time, payload []byte) {
	if w.ring.put(w.epoch, sequence, timestamp, arrival, payload) {
		w.m.dropped.Inc()
	}
}

// Writer opens a new RTP stream of a speaker. startedAt is the beginning of the attempt's time
// line.
func (b *Bus) Writer(attemptID, speaker string, startedAt time.Time) (*Writer, error) {
	if !frame.ValidToken(attemptID) || !frame.ValidSpeaker(speaker) {
		return nil, fmt.Errorf("attempt %.80q or speaker %.80q cannot stand in a subject",
			attemptID, speaker)
	}
	return b.tap(attemptID, startedAt).writer(speaker), nil
}

// tap gives an attempt's tap, starting it if there is none.
func (b *Bus) tap(attemptID string, startedAt time.Time) *tap {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.taps[attemptID]
	if !ok {
		now := time.Now()
		t = &tap{
			bus: b, attempt: attemptID, started: startedAt, stop: make(chan struct{}), done: make(chan struct{}),
			born: now, heard: now, first: rand.Text()[:10],
		}
		b.taps[attemptID] = t
		go t.run()
	}
	return t
}

func (t *tap) writer(speaker string) *Writer {
	t.mu.Lock()
	defer t.mu.Unlock()
	// Seconds since the start: later streams get greater numbers, those after a restart of this
	// process too.
	t.epoch = max(t.epoch+1, uint16(min(max(time.Since(t.started)/time.Second, 0), 60_000)))
	for _, r := range t.rings {
		if r.speaker == speaker {
			return &Writer{ring: r, epoch: t.epoch, m: t.bus.metrics}
		}
	}
	r := newRing(speaker)
	t.rings = append(t.rings, r)
	return &Writer{ring: r, epoch: t.epoch, m: t.bus.metrics}
}

// run publishes what the rings hold, ten times a second, until the tap is closed and everything
// is out.
func (t *tap) run() {
	defer close(t.done)
	tick := time.NewTicker(t.bus.cfg.BatchTime)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.failed = t.flush(false)
		case <-t.stop:
			t.failed = t.flush(true)
			return
		case <-t.bus.ctx.Done():
			t.failed = errors.New("closed before everything was published")
			return
		}
	}
}

// flush publishes full rings whole when all is set; otherwise a batch of each.
func (t *tap) flush(all bool) error {
	t.mu.Lock()
	rings := t.rings
	t.mu.Unlock()
	for _, r := range rings {
		for more := true; more; {
			out, n := r.take(t.buf[:0], batchFrames)
			t.buf = out[:0]
			if len(out) == 0 {
				break
			}
			if err := t.publish(frame.AudioSubject(t.attempt, r.speaker), out); err != nil {
				return err
			}
			t.bus.metrics.published.Add(float64(n))
			more = all || r.waiting() >= batchFrames
		}
	}
	if time.Since(t.heard) >= t.bus.cfg.Heartbeat && time.Since(t.born) < maxPlay {
		return t.publish(frame.AliveSubject(t.attempt), nil)
	}
	return nil
}

// publish waits until the log has the message, trying again while NATS is away. Its id makes the
// tries one message.
func (t *tap) publish(subject string, data []byte) error {
	t.sent++
	id := t.attempt + "/" + t.first + "/" + strconv.FormatUint(t.sent, 36)
	err := t.bus.publish(t.bus.ctx, &nats.Msg{Subject: subject, Data: data}, id)
	t.heard = time.Now()
	return err
}

// publish hands a message to JetStream; it tries until ctx ends or the bus is closed.
func (b *Bus) publish(ctx context.Context, m *nats.Msg, id string) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		limited, cancel := context.WithTimeout(ctx, publishLimit)
		_, err := b.js.PublishMsg(limited, m, jetstream.WithMsgID(id))
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("NATS: %w: %w", context.Cause(ctx), err)
		}
		if b.conn.IsClosed() {
			return fmt.Errorf("NATS: %w", err)
		}
		b.metrics.retried.Inc()
		b.log.Warn("NATS took no message; trying again", "subject", m.Subject, "in", pause, "error",
			err)
		_ = wait.For(ctx, pause) // the next try finds that ctx has ended
	}
}

// close has the tap flush and end, and waits for it.
func (t *tap) close(ctx context.Context) error {
	t.once.Do(func() { close(t.stop) })
	select {
	case <-t.done:
		return t.failed
	case <-ctx.Done():
		return fmt.Errorf("audio of attempt %s is not in the log yet: %w", t.attempt,
			context.Cause(ctx))
	}
}
