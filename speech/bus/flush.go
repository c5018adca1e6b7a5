package bus

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/store/wait"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// run publishes the content of the rings every Config.BatchTime, or more often while the tap is
// live, until the tap is closed and everything is published.
func (t *tap) run() {
	defer close(t.done)
	defer t.discard()
	if l := t.bus.leftovers[t.attempt]; l != nil {
		l.publish(t.ctx, t.bus)
	}
	t.mu.Lock()
	tick := time.NewTicker(t.every)
	t.tick = tick
	t.mu.Unlock()
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = t.flush(false) // what is left goes with the next
		case <-t.stop:
			t.failed = t.flushAll()
			return
		case <-t.ctx.Done():
			t.failed = errors.New("closed before everything was published")
			return
		}
	}
}

// flushAll publishes everything. While the log is full it waits, for Config.FullWait at most:
// other attempts leave the log when their reports are stored. What is left then is lost and
// counted.
func (t *tap) flushAll() error {
	began := time.Now()
	for try := 1; ; try++ {
		err := t.flush(true)
		if !errors.Is(err, errLogFull) {
			return err
		}
		if try == 1 {
			t.bus.log.Warn("the audio log is full: the end of an attempt waits for space",
				"attempt", t.attempt, "error", err)
		}
		if time.Since(began) >= t.bus.cfg.FullWait {
			return t.drop()
		}
		if wait.For(t.ctx, spaceEvery) != nil {
			return err
		}
	}
}

// drop drops and counts what the log has no space for, and publishes the count if that fits.
func (t *tap) drop() error {
	for _, r := range t.allRings() {
		frames, dropped := r.backlog.clear()
		r.lose(frames + dropped)
		t.bus.refuse(t.attempt, r.speaker, frames+r.discard())
	}
	if err := t.flush(true); !errors.Is(err, errLogFull) {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bus.log.Error("the audio log is full: events are lost", "attempt", t.attempt,
		"events", len(t.events))
	t.events = nil
	return nil
}

// flush publishes the events, then a batch of each ring, and more while a full batch waits; with
// all set, everything. It publishes a heartbeat when one is due. It keeps what a full log refuses,
// and returns errLogFull when that is so.
func (t *tap) flush(all bool) error {
	full := t.flushEvents()
	if full != nil && !errors.Is(full, errLogFull) {
		return full
	}
	for _, r := range t.allRings() {
		err := t.flushRing(r, all)
		if err != nil && !errors.Is(err, errLogFull) {
			return err
		}
		full = cmp.Or(full, err)
	}
	if time.Since(t.lastMessage) >= t.bus.cfg.Heartbeat && time.Since(t.created) < maxPlay {
		err := t.publishEvents(frame.AliveSubject(t.attempt),
			[]event.Event{event.Alive{At: time.Now().UnixMicro()}})
		if err != nil && !errors.Is(err, errLogFull) {
			return err
		}
	}
	return full
}

// flushEvents publishes the events. It keeps what it cannot publish for the next call.
func (t *tap) flushEvents() error {
	t.mu.Lock()
	events, clock, patient := t.events, t.clock, t.patient
	t.events, t.clock, t.patient = nil, nil, nil
	t.mu.Unlock()
	if clock != nil {
		err := t.publishEvents(frame.ClockSubject(t.attempt), []event.Event{*clock})
		if err != nil && !errors.Is(err, errLogFull) {
			return err
		}
	}
	if patient != nil {
		err := t.publishEvents(frame.StateSubject(t.attempt), []event.Event{*patient})
		if err != nil && !errors.Is(err, errLogFull) {
			return err
		}
	}
	for len(events) > 0 {
		batch := events[:min(len(events), event.MaxBatch)]
		err := t.publishEvents(frame.EventSubject(t.attempt), batch)
		if err != nil {
			t.mu.Lock()
			t.events = append(events, t.events...)
			t.mu.Unlock()
			return err
		}
		events = events[len(batch):]
	}
	return nil
}

func (t *tap) publishEvents(subject string, batch []event.Event) error {
	out, err := event.Append(t.buf[:0], batch)
	if err != nil {
		return err
	}
	t.buf = out[:0]
	if half := len(batch) / 2; half > 0 && len(out) > event.MaxBytes {
		if err := t.publishEvents(subject, batch[:half]); err != nil {
			return err
		}
		return t.publishEvents(subject, batch[half:])
	}
	return t.publish(subject, out)
}

// flushRing publishes what flush wants of one speaker. While the log is full, frames stay in the
// ring and the backlog, and flushRing returns errLogFull. What a subject with too many messages
// refuses is lost: it is counted, and the next batch says how many frames are missing.
func (t *tap) flushRing(r *ring, all bool) error {
	for more := true; more; {
		if t.bus.logFull() && r.holds() {
			return errLogFull
		}
		b, spooled := t.next(r)
		if len(b.data) == 0 {
			return nil
		}
		err := t.publish(frame.AudioSubject(t.attempt, r.speaker), b.data)
		switch {
		case isTooMany(err):
			t.bus.refuse(t.attempt, r.speaker, b.frames)
			r.lose(b.frames + b.dropped)
			more = all && b.frames > 0
		case err != nil:
			t.keep(r, b, spooled)
			return err
		default:
			t.bus.metrics.published.Add(float64(b.frames))
			more = all || r.waiting() >= batchFrames || !r.backlog.isEmpty()
		}
		if spooled {
			r.backlog.pop()
		}
	}
	return nil
}

// next returns the oldest batch of a speaker: from the backlog, which keeps it until it is
// published, or else from the ring. It has no data when there is nothing.
func (t *tap) next(r *ring) (b batch, spooled bool) {
	r.backlog.mu.Lock()
	defer r.backlog.mu.Unlock()
	if b, ok := r.backlog.head(); ok {
		return b, true
	}
	b.data, b.frames, b.dropped = r.take(t.buf[:0], batchFrames)
	t.buf = b.data[:0]
	return b, false
}

// keep puts a batch back that could not be published.
func (t *tap) keep(r *ring, b batch, spooled bool) {
	if spooled {
		return // it is in the backlog still
	}
	b.data = bytes.Clone(b.data)
	r.backlog.mu.Lock()
	defer r.backlog.mu.Unlock()
	r.backlog.unshift(b)
}

// save keeps what was not published in spool files, for the next start of the process. The tap has
// ended.
func (t *tap) save() error {
	errs := []error{t.saveEvents()}
	for _, r := range t.allRings() {
		if !r.backlog.isEmpty() || r.waiting() > 0 {
			errs = append(errs, r.backlog.save(r))
		}
	}
	return errors.Join(errs...)
}

// saveEvents keeps the events that were not published in a spool file of their own.
func (t *tap) saveEvents() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.events) == 0 {
		return nil
	}
	f, err := createSpoolFile(t.bus.spool, t.attempt, frame.EventsToken, t.fence)
	if err != nil {
		return err
	}
	for b := range slices.Chunk(t.events, event.MaxBatch) {
		data, err := event.Append(nil, b)
		if err := errors.Join(err, f.append(batch{data: data})); err != nil {
			return errors.Join(err, f.close())
		}
	}
	return f.close()
}

// allRings returns the rings of the speakers so far.
func (t *tap) allRings() []*ring {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rings
}

// publish publishes a message and waits for its acknowledgement. It retries while NATS is away;
// the message's id lets JetStream drop duplicates. It returns errLogFull when the log refuses it.
func (t *tap) publish(subject string, data []byte) error {
	t.sent++
	id := messageID(t.attempt, t.instance, t.sent)
	if t.refused > 0 { // the server must not take it for the message that it has refused
		id += refusedMark + strconv.FormatUint(t.refused, 36)
	}
	err := t.bus.publish(t.ctx, message(subject, data, t.fence), id)
	if errors.Is(err, errLogFull) {
		t.sent-- // workers would miss it
		t.refused++
	}
	if err == nil {
		t.lastMessage = time.Now()
	}
	return err
}

// message returns a message with the fence of its writer.
func message(subject string, data []byte, fence int64) *nats.Msg {
	m := &nats.Msg{Subject: subject, Data: data}
	if fence > 0 {
		m.Header = nats.Header{fenceHeader: {strconv.FormatInt(fence, 10)}}
	}
	return m
}

// publish publishes a message to JetStream. It retries until ctx ends or the bus is closed, or
// until the stream refuses the message for lack of space (errLogFull).
func (b *Bus) publish(ctx context.Context, m *nats.Msg, id string) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		limited, cancel := context.WithTimeout(ctx, publishTimeout)
		// An answer that was lost while NATS did not work does not come any more.
		stop := context.AfterFunc(b.keeper.recovery(), cancel)
		_, err := b.js.PublishMsg(limited, m, jetstream.WithMsgID(id))
		stop()
		cancel()
		if err == nil {
			return nil
		}
		if isFull(err) {
			return fmt.Errorf("%w: %w", errLogFull, err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("NATS: %w: %w", context.Cause(ctx), err)
		}
		if b.conn.IsClosed() {
			return fmt.Errorf("NATS: %w", err)
		}
		b.keeper.hurry()
		b.metrics.retried.Inc()
		b.log.Warn("NATS did not accept a message; retrying", "subject", m.Subject, "in", pause,
			"error", err)
		_ = wait.For(ctx, pause) // the next try finds that ctx has ended
	}
}

// close makes the tap publish everything and end, and waits for it. When ctx ends first, the tap
// goes on and close may be called again.
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
