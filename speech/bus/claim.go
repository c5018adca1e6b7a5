package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/store/wait"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Claim is a worker's hold on an attempt. It keeps itself alive until Done, Release or GiveUp.
// When its process dies, the job goes to another worker. It belongs to one goroutine.
type Claim struct {
	bus      *Bus
	job      frame.Job
	tries    int
	sequence uint64 // of the job in its stream
	msg      jetstream.Msg
	log      *reader // reads the attempt's log
	order    messageOrder
	missing  bool // messages were missing before the next delivery
	stuck    bool // nothing was read for an idle time, although the log has more than stuckAt
	stuckAt  uint64
	fence    fence
	idle     bool // the log counts as ended without an end marker
	// idleFrom is where the idle time starts: when the last message was read, or when the bus was
	// last unable to store messages if that is later.
	idleFrom  time.Time
	stop      context.CancelFunc
	keepAlive sync.WaitGroup // the goroutine that keeps the claim alive
}

// fetchTimeout is the time that a request for jobs or messages waits at the server.
const fetchTimeout = 5 * time.Second

// Claim waits for a job and returns a claim on its attempt. While NATS is away it keeps trying. It
// returns an error when ctx ends or the bus is closed.
func (b *Bus) Claim(ctx context.Context) (*Claim, error) {
	for {
		limited, cancel := context.WithTimeout(ctx, fetchTimeout)
		batch, err := b.jobs.Fetch(1, jetstream.FetchContext(limited))
		if err == nil {
			for m := range batch.Messages() {
				cancel()
				if c := b.newClaim(m); c != nil {
					return c, nil
				}
			}
			err = batch.Error()
		}
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, nats.ErrConnectionClosed):
			return nil, fmt.Errorf("NATS: %w", err)
		case err != nil && !errors.Is(err, context.DeadlineExceeded) &&
			!errors.Is(err, nats.ErrTimeout):
			b.log.Warn("cannot fetch a job; retrying", "error", err)
			if err := wait.For(ctx, retryPause); err != nil {
				return nil, err
			}
		}
	}
}

// newClaim returns the claim for a job's message. It discards a message that is no valid job and
// returns nil.
func (b *Bus) newClaim(m jetstream.Msg) *Claim {
	job, err := frame.ParseJob(m.Data())
	meta, merr := m.Metadata()
	if err := errors.Join(err, merr); err != nil {
		b.metrics.malformed.Inc()
		b.log.Error("malformed job discarded", "subject", m.Subject(), "error", err)
		if err := m.Term(); err != nil {
			b.log.Warn("cannot end a malformed job", "error", err)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(b.ctx)
	c := &Claim{
		bus: b, msg: m, job: job, tries: int(meta.NumDelivered), sequence: meta.Sequence.Stream,
		idleFrom: time.Now(), stop: cancel,
		log: &reader{bus: b, attempt: job.AttemptID, life: ctx},
	}
	c.keepAlive.Go(func() { c.sendProgress(ctx) })
	return c
}

// sendProgress sends in-progress acknowledgements, so that the job does not go to another worker.
func (c *Claim) sendProgress(ctx context.Context) {
	tick := time.NewTicker(c.bus.cfg.AckWait / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := c.msg.InProgress(); err != nil {
				c.bus.log.Warn("cannot keep a claim alive; another worker may take the job",
					"attempt", c.job.AttemptID, "error", err)
			}
		}
	}
}

// Job returns the job that was claimed.
func (c *Claim) Job() frame.Job { return c.job }

// Tries returns the number of times that a worker has claimed the job, this one included.
func (c *Claim) Tries() int { return c.tries }

// Next returns the messages of the attempt's log, from the first one on and then as they arrive.
// It skips heartbeats without an event, which older programs wrote, and what a media server wrote
// after another one had taken the room and begun to write. The last delivery has End set: the log
// has its end marker, or Next has read nothing for Config.IdleEnd while messages could be stored.
// While NATS is away or refuses messages Next waits. In place of the end it returns
// frame.ErrJobEnded when another worker has ended the job, because the log may have been removed
// before it was read, and frame.ErrNoLog when there was nothing to read at all.
func (c *Claim) Next(ctx context.Context) (frame.Delivery, error) {
	for {
		limited, cancel := context.WithDeadline(ctx, c.idleFrom.Add(c.bus.cfg.IdleEnd))
		m, err := c.log.next(limited)
		cancel()
		switch {
		case err == nil && c.fence.skips(c.bus, c.job.AttemptID, m):
			continue
		case err == nil:
			c.idleFrom = time.Now()
		case ctx.Err() != nil:
			return frame.Delivery{}, context.Cause(ctx)
		case !errors.Is(err, context.DeadlineExceeded):
			return frame.Delivery{}, err
		case c.tapIsGone(ctx):
			c.bus.log.Warn("the media server has sent nothing; the attempt counts as ended",
				"attempt", c.job.AttemptID, "idle", c.bus.cfg.IdleEnd)
			c.idle = true
			return c.lastDelivery(ctx)
		default:
			continue
		}
		missing, repeated := c.order.add(m)
		if repeated {
			continue
		}
		c.missing = c.missing || missing
		d, skip, err := delivery(m.Subject(), m.Data())
		switch {
		case err != nil:
			// One malformed message must not fail the attempt: only its frames are lost.
			c.bus.metrics.malformed.Inc()
			c.bus.log.Error("malformed message in the log skipped", "attempt", c.job.AttemptID,
				"error", err)
			c.missing = true
		case d.End:
			return c.lastDelivery(ctx)
		case !skip:
			d.Missing, c.missing = c.missing, false
			return d, nil
		}
	}
}

// tapIsGone decides whether the media server is gone, after nothing was read for Config.IdleEnd.
// It is if messages could be stored all the time and the log holds none that was not read. A rest
// that cannot be read in a second idle time counts as lost. Otherwise tapIsGone starts the idle
// time again.
func (c *Claim) tapIsGone(ctx context.Context) bool {
	if c.bus.Ping(ctx); !c.bus.couldStoreSince(&c.idleFrom) {
		return false
	}
	m, err := c.bus.audio.GetLastMsgForSubject(ctx, frame.AttemptSubjects(c.job.AttemptID))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return true
	case err != nil:
		c.bus.log.Warn("cannot look up the last message of an attempt", "attempt",
			c.job.AttemptID, "error", err)
	case m.Sequence <= c.log.lastRead:
		return true
	case c.stuck && c.stuckAt == c.log.lastRead:
		c.bus.log.Error("the rest of a log cannot be read", "attempt", c.job.AttemptID,
			"from", c.log.lastRead+1, "to", m.Sequence)
		return true
	default:
		c.stuck, c.stuckAt = true, c.log.lastRead
		c.log.restart()
	}
	c.idleFrom = time.Now()
	return false
}

// lastDelivery returns the delivery with End set, or the error that stands in its place. If the
// server does not answer, it assumes that the job is there: storing a report twice does no harm.
func (c *Claim) lastDelivery(ctx context.Context) (frame.Delivery, error) {
	gone := c.jobIsGone(ctx)
	switch {
	case gone && !c.log.isWhole(ctx):
		return frame.Delivery{}, fmt.Errorf("attempt %s: %w", c.job.AttemptID, frame.ErrJobEnded)
	case gone:
		c.bus.log.Warn("the job is gone, but nobody has removed the audio: the analysis goes on",
			"attempt", c.job.AttemptID)
	case c.log.firstRead == 0:
		return frame.Delivery{}, fmt.Errorf("attempt %s: %w", c.job.AttemptID, frame.ErrNoLog)
	}
	return frame.Delivery{End: true}, nil
}

// delivery decodes a message of the log. skip is true for an empty heartbeat.
func delivery(subject string, data []byte) (d frame.Delivery, skip bool, err error) {
	kind, speaker, err := frame.ParseAudioSubject(subject)
	if err != nil {
		return d, false, err
	}
	switch kind {
	case frame.KindAlive, frame.KindEvents:
		if len(data) == 0 {
			return d, true, nil
		}
		batch, err := event.Parse(data)
		return frame.Delivery{Events: batch}, false, err
	case frame.KindEnd:
		return frame.Delivery{End: true}, false, nil
	}
	batch, err := frame.ParseBatch(data)
	return frame.Delivery{Speaker: speaker, Batch: batch}, false, err
}

// Done ends the job, then removes the attempt's audio. The caller has stored the report. After a
// crash between the two steps no job is left and the audio goes when it is too old. In the
// reverse order a crash would leave a job without its audio. Done leaves audio without an end
// marker: the media server may have been cut off, and send the rest later.
func (c *Claim) Done(ctx context.Context) error {
	defer c.close()
	if err := c.endJob(ctx); err != nil {
		return fmt.Errorf("end the job of attempt %s: %w", c.job.AttemptID, err)
	}
	if c.idle {
		return nil
	}
	return c.bus.removeAudio(ctx, c.job.AttemptID)
}

// endJob acknowledges the job. A consumer that was made again does not know the claim and does not
// answer; then endJob deletes the job.
func (c *Claim) endJob(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err := c.msg.DoubleAck(limited)
	switch {
	case err == nil || c.jobIsGone(ctx):
		return nil
	case ctx.Err() != nil:
		return err
	}
	c.bus.log.Warn("a job is deleted, because its consumer does not take its end", "attempt",
		c.job.AttemptID, "error", err)
	return c.bus.queue.DeleteMsg(ctx, c.sequence)
}

// jobIsGone reports whether the job is no longer in its stream.
func (c *Claim) jobIsGone(ctx context.Context) bool {
	m, err := c.bus.queue.GetLastMsgForSubject(ctx, frame.JobSubject(c.job.AttemptID))
	return errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Sequence != c.sequence
}

// Release returns the job to the queue. Any worker may take it after the delay.
func (c *Claim) Release(delay time.Duration) error {
	defer c.close()
	if err := c.msg.NakWithDelay(delay); err != nil {
		return fmt.Errorf("release the job of attempt %s; it is free again in %v: %w",
			c.job.AttemptID, c.bus.cfg.AckWait, err)
	}
	return nil
}

// GiveUp ends the job and leaves its audio in the log until it is too old, so that the operator
// can examine it.
func (c *Claim) GiveUp() error {
	defer c.close()
	if err := c.msg.Term(); err != nil {
		return fmt.Errorf("end the job of attempt %s: %w", c.job.AttemptID, err)
	}
	return nil
}

// close stops the claim's goroutine and reader. It leaves the job as it is.
func (c *Claim) close() {
	c.stop()
	c.keepAlive.Wait()
}

// Abandon closes the claim without a message to the server, as a crash would. The job goes to
// another worker after Config.AckWait.
func (c *Claim) Abandon() { c.close() }
