package bus

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
)

const (
	// batchFrames is the largest number of frames in a message.
	batchFrames = 50
	// maxEvents is the largest number of events of one kind and one speaker that a tap publishes.
	// A play has a few dozen; the limit is for clients that mute and unmute all the time.
	maxEvents = 5000
	// countEvery is the shortest time between two sender reports of a stream in the log. Browsers
	// send one every five seconds.
	countEvery = 2 * time.Second
	// fenceHeader is the header of a message that holds the fence of its writer's lease.
	fenceHeader = "Bedside-Fence"
	// epochTick is the time by which epochs rise by one. A play has 60,000 of them.
	epochTick = 120 * time.Millisecond
	// liveBatchTime is the time between two batches while an automatic patient listens.
	liveBatchTime = 20 * time.Millisecond
	// maxPlay is the time after which a tap that nobody has closed stops its heartbeats.
	maxPlay = 2 * time.Hour
)

// tap publishes the frames of one attempt to the log. The media path only puts them into rings;
// the tap's goroutine publishes them. The bus owns it.
type tap struct {
	bus     *Bus
	attempt string
	fence   int64 // of the lease of the attempt's room; 0: none
	started time.Time
	created time.Time
	ctx     context.Context // ends when what is left shall not be published
	discard context.CancelFunc
	stop    chan struct{} // closed by close: publish what is left, then end
	done    chan struct{}
	once    sync.Once
	failed  error // set before done is closed

	mu       sync.Mutex
	rings    []*ring        // one per speaker; guarded by mu
	epoch    uint16         // of the latest writer; guarded by mu
	events   []event.Event  // to be published; guarded by mu
	recorded map[string]int // events so far by kind and speaker; guarded by mu
	clock    *event.Clock   // to be published; guarded by mu
	patient  *event.Patient // to be published; guarded by mu
	every    time.Duration  // between two batches; guarded by mu
	tick     *time.Ticker   // nil until the goroutine runs; guarded by mu

	// Owned by the goroutine.
	sent        uint64 // messages that the log took
	refused     uint64 // messages that it did not
	buf         []byte
	lastMessage time.Time // when the log last took a message
	instance    string    // part of message ids; makes them unique across restarts of the process
}

// Writer writes one RTP stream of one speaker, an epoch, to the log. Only one goroutine may call
// Write at a time.
type Writer struct {
	tap   *tap
	ring  *ring
	epoch uint16
	m     *metrics
	// Belong to the goroutine that writes.
	started   bool      // Begin was called
	counted   int       // by the latest Count
	countedAt time.Time // when that was recorded
}

// Begin records which RTP stream the writer's epoch is, and how many of its packets came before
// the first that is written. Only its first call counts. The goroutine that writes calls it.
func (w *Writer) Begin(ssrc uint32, before int) {
	if w.started {
		return
	}
	w.started = true
	w.tap.record(event.Stream{
		Speaker: w.ring.speaker, Epoch: w.epoch, SSRC: ssrc, Before: max(before, 0),
	})
}

// Count records how many packets of the stream were sent at least, as a sender report says. It
// drops counts that come too fast; the next one tells more. The goroutine that writes calls it.
func (w *Writer) Count(ssrc uint32, packets int) {
	now := time.Now()
	if packets <= w.counted || packets > event.MaxPackets || now.Sub(w.countedAt) < countEvery {
		return
	}
	w.counted, w.countedAt = packets, now
	w.tap.record(event.Sent{
		Speaker: w.ring.speaker, SSRC: ssrc, Packets: packets, Origin: event.OriginReport,
	})
}

// Write copies a packet. It never blocks. When the log does not keep up, the oldest frames are
// dropped, and the log records their number.
func (w *Writer) Write(sequence uint16, timestamp uint32, arrival time.Time, payload []byte) {
	if w.ring.put(w.epoch, sequence, timestamp, arrival, payload) {
		w.m.dropped.Inc()
	}
}

// Writer returns a writer for a new RTP stream of a speaker. startedAt is the start of the
// attempt's time line.
func (b *Bus) Writer(attemptID, speaker string, startedAt time.Time) (*Writer, error) {
	if !frame.ValidToken(attemptID) || !frame.ValidSpeaker(speaker) {
		return nil, fmt.Errorf("attempt id %.80q or speaker %.80q is not allowed in a subject",
			attemptID, speaker)
	}
	return b.tap(attemptID, startedAt).writer(speaker), nil
}

// Record adds an event to an attempt's log. It does not block. startedAt is as in Writer.
func (b *Bus) Record(attemptID string, startedAt time.Time, e event.Event) {
	if frame.ValidToken(attemptID) {
		b.tap(attemptID, startedAt).record(e)
	}
}

// record queues an event. Beyond maxEvents of its kind and speaker it drops and counts it: what
// one participant does must not cost the record of the other.
func (t *tap) record(e event.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if group := eventGroup(e); group != "" {
		t.recorded[group]++
		if n := t.recorded[group]; n > maxEvents {
			t.bus.metrics.events.Inc()
			if n == maxEvents+1 {
				t.bus.log.Warn("too many events of a speaker; more are dropped", "attempt",
					t.attempt, "group", group, "limit", maxEvents)
			}
			return
		}
	}
	t.events = append(t.events, e)
}

// eventGroup returns what maxEvents counts an event as; empty: it is not limited.
func eventGroup(e event.Event) string {
	switch e := e.(type) {
	case event.Changed:
		return "changed " + e.Speaker
	case event.Stream:
		return "stream " + e.Speaker
	case event.Sent:
		return "sent " + string(e.Origin) + " " + e.Speaker
	case event.Words:
		return "words " + e.Speaker
	case event.Heard, event.Fact, event.Cue, event.Mood, event.Recogniser:
		return "understood"
	}
	return ""
}

// RecordClock adds a state of the play's clock to an attempt's log, for LastClock. It does not
// block. startedAt is as in Writer.
func (b *Bus) RecordClock(attemptID string, startedAt time.Time, c event.Clock) {
	if !frame.ValidToken(attemptID) {
		return
	}
	t := b.tap(attemptID, startedAt)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock = &c // only the newest is read
}

// RecordPatient adds a snapshot of the automatic patient to an attempt's log, for LastPatient. It
// does not block. startedAt is as in Writer.
func (b *Bus) RecordPatient(attemptID string, startedAt time.Time, p event.Patient) {
	if !frame.ValidToken(attemptID) {
		return
	}
	t := b.tap(attemptID, startedAt)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.patient = &p // only the newest is read
}

// SetLive makes an attempt's tap publish every few milliseconds, because somebody waits for what
// is said, or as usual again. It does nothing without a tap.
func (b *Bus) SetLive(attemptID string, live bool) {
	b.mu.Lock()
	t := b.taps[attemptID]
	b.mu.Unlock()
	if t == nil {
		return
	}
	every := b.cfg.BatchTime
	if live {
		every = min(every, liveBatchTime)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tick != nil {
		t.tick.Reset(every)
	}
	t.every = every
}

// Open starts an attempt's tap, if there is none, and so begins to write its log, as the holder of
// the lease with this fence: readers skip what holders of earlier leases write from now on.
// startedAt is as in Writer.
func (b *Bus) Open(attemptID string, startedAt time.Time, fence int64) {
	if frame.ValidToken(attemptID) {
		b.fencedTap(attemptID, startedAt, fence)
	}
}

// Discard ends an attempt's tap and drops what it has not published: another process writes the
// log. It does not wait.
func (b *Bus) Discard(attemptID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.discardTap(attemptID)
}

// discardTap is Discard; the caller holds mu.
func (b *Bus) discardTap(attemptID string) {
	t, ok := b.taps[attemptID]
	if !ok {
		return
	}
	t.discard()
	delete(b.taps, attemptID)
	if b.ctx.Err() == nil {
		b.helpers.Go(func() {
			<-t.done
			for _, r := range t.allRings() {
				r.backlog.clear()
			}
		})
	}
}

// tap returns an attempt's tap and starts it if there is none.
func (b *Bus) tap(attemptID string, startedAt time.Time) *tap {
	return b.fencedTap(attemptID, startedAt, 0)
}

// fencedTap is tap for the holder of a lease. It replaces a tap of an earlier lease, because
// readers skip what that one writes.
func (b *Bus) fencedTap(attemptID string, startedAt time.Time, fence int64) *tap {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.taps[attemptID]; t != nil && t.fence < fence {
		b.discardTap(attemptID)
	}
	t, ok := b.taps[attemptID]
	if !ok {
		now := time.Now()
		t = &tap{
			bus: b, attempt: attemptID, fence: fence, started: startedAt, created: now,
			lastMessage: now, instance: rand.Text()[:10],
			stop: make(chan struct{}), done: make(chan struct{}),
			recorded: map[string]int{}, every: b.cfg.BatchTime,
			events: []event.Event{event.Opened{At: now.UnixMicro()}},
		}
		t.ctx, t.discard = context.WithCancel(b.ctx)
		b.taps[attemptID] = t
		go t.run()
	}
	return t
}

func (t *tap) writer(speaker string) *Writer {
	t.mu.Lock()
	defer t.mu.Unlock()
	// Epochs are at least the ticks since the start. So they rise even across a restart of this
	// process, which forgets the latest one, and when another process continues the play at once.
	ticks := min(max(time.Since(t.started)/epochTick, 0), maxPlay/epochTick)
	t.epoch = max(t.epoch+1, uint16(ticks))
	for _, r := range t.rings {
		if r.speaker == speaker {
			return &Writer{tap: t, ring: r, epoch: t.epoch, m: t.bus.metrics}
		}
	}
	r := newRing(speaker)
	r.backlog = &backlog{
		spool: t.bus.spool, attempt: t.attempt, speaker: speaker, fence: t.fence,
		onDamage: func(frames int, err error) {
			r.lose(frames)
			t.bus.metrics.refused.Add(float64(frames))
			t.bus.log.Error("a spool file cannot be read back: speech is lost", "attempt",
				t.attempt, "speaker", speaker, "frames", frames, "error", err)
		},
	}
	t.rings = append(t.rings, r)
	return &Writer{tap: t, ring: r, epoch: t.epoch, m: t.bus.metrics}
}
