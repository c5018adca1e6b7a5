package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bedside/speech/frame"
	"bedside/store/wait"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Claim is one worker's hold on one attempt. It keeps itself alive until Done, Release or GiveUp;
// when its process dies the job goes to another worker. It belongs to one goroutine.
type Claim struct {
	bus    *Bus
	job    frame.Job
	tries  int
	place  uint64 // of the job in its queue
	msg    jetstream.Msg
	log    *reader   // of the attempt's audio
	last   time.Time // when the tap was last heard, or we were last deaf
	stop   context.CancelFunc
	beaten sync.WaitGroup // the goroutine that keeps the claim alive
}

// fetchWait is how long one request for a job waits at the server.
const fetchWait = 5 * time.Second

// Claim waits for an attempt to analyse.
func (b *Bus) Claim(ctx context.Context) (*Claim, error) {
	for {
		limited, cancel := context.WithTimeout(ctx, fetchWait)
		batch, err := b.jobs.Fetch(1, jetstream.FetchContext(limited))
		if err == nil {
			for m := range batch.Messages() {
				cancel()
				if c := b.take(m); c != nil {
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
			b.log.Warn("no job could be asked for; trying again", "error", err)
			if err := wait.For(ctx, retryPause); err != nil {
				return nil, err
			}
		}
	}
}

// take makes a claim of a message, or discards one that no worker could ever read.
func (b *Bus) take(m jetstream.Msg) *Claim {
	job, err := frame.ParseJob(m.Data())
	meta, merr := m.Metadata()
	if err := errors.Join(err, merr); err != nil {
		b.metrics.malformed.Inc()
		b.log.Error("a job that cannot be read was thrown away", "subject", m.Subject(), "error",
			err)
		if err := m.Term(); err != nil {
			b.log.Warn("and could not be ended", "error", err)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(b.ctx)
	c := &Claim{
		bus: b, msg: m, job: job, tries: int(meta.NumDelivered), place: meta.Sequence.Stream, last: time.Now(), stop: cancel,
		log: &reader{bus: b, attempt: job.AttemptID, life: ctx},
	}
	c.beaten.Go(func() { c.beat(ctx) })
	return c
}

// beat keeps the claim from being given to another worker.
func (c *Claim) beat(ctx context.Context) {
	tick := time.NewTicker(c.bus.cfg.AckWait / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := c.msg.InProgress(); err != nil {
				c.bus.log.Warn("a claim could not be kept alive; another worker may take it",
					"attempt", c.job.AttemptID, "error", err)
			}
		}
	}
}

// Job is what was claimed.
func (c *Claim) Job() frame.Job { return c.job }

// Tries is how often the job was given to a worker, this time included.
func (c *Claim) Tries() int { return c.tries }

// Next gives the attempt's messages from the first on, then as they come. Heartbeats are passed
// over. A delivery with End set is the last; it also comes when the tap has been silent for
// Config.IdleEnd while we could hear it. While NATS is away Next waits. When the job has
// meanwhile been ended by another worker, and the log with it, the error is frame.ErrJobEnded instead
// of an end that may have come too early.
func (c *Claim) Next(ctx context.Context) (frame.Delivery, error) {
	for {
		limited, cancel := context.WithDeadline(ctx, c.last.Add(c.bus.cfg.IdleEnd))
		m, err := c.log.next(limited)
		cancel()
		switch {
		case err == nil:
			c.last = time.Now()
		case ctx.Err() != nil:
			return frame.Delivery{}, context.Cause(ctx)
		case !errors.Is(err, context.DeadlineExceeded):
			return frame.Delivery{}, err
		case c.idle(ctx):
			c.bus.log.Warn("the attempt is taken as ended, since nothing has come of it for long",
				"attempt", c.job.AttemptID, "idle", c.bus.cfg.IdleEnd)
			return c.over(ctx)
		default:
			continue
		}
		d, skip, err := delivery(m.Subject(), m.Data())
		switch {
		case err != nil:
			// One broken message must not cost the attempt: what it held is lost, the rest is
			// heard.
			c.bus.metrics.malformed.Inc()
			c.bus.log.Error("a message of the log could not be read", "attempt", c.job.AttemptID,
				"error", err)
		case d.End:
			return c.over(ctx)
		case !skip:
			return d, nil
		}
	}
}

// idle decides what it means that nothing was read for Config.IdleEnd: the tap has gone only if
// we could hear it all the while, and if nothing of it is still on its way to us.
func (c *Claim) idle(ctx context.Context) bool {
	if since, connected := c.bus.heardSince(); !connected || since.After(c.last) {
		c.last = time.Now()
		if connected {
			c.last = since
		}
		return false
	}
	m, err := c.bus.audio.GetLastMsgForSubject(ctx, frame.AttemptSubjects(c.job.AttemptID))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return true
	case err != nil:
		c.bus.log.Warn("whether an attempt lives could not be asked", "attempt", c.job.AttemptID,
			"error", err)
	case m.Sequence <= c.log.read:
		return true
	default:
		c.log.restart()
	}
	c.last = time.Now()
	return false
}

// over ends the deliveries, if the job is still ours to report on. When the server does not say,
// it is: a report twice does no harm.
func (c *Claim) over(ctx context.Context) (frame.Delivery, error) {
	m, err := c.bus.queue.GetLastMsgForSubject(ctx, frame.JobSubject(c.job.AttemptID))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Sequence != c.place {
		return frame.Delivery{}, fmt.Errorf("attempt %s: %w", c.job.AttemptID, frame.ErrJobEnded)
	}
	return frame.Delivery{End: true}, nil
}

// delivery reads a message of the log; skip when it holds nothing for a worker.
func delivery(subject string, data []byte) (d frame.Delivery, skip bool, err error) {
	kind, speaker, err := frame.ParseAudioSubject(subject)
	if err != nil {
		return d, false, err
	}
	switch kind {
	case frame.KindAlive:
		return d, true, nil
	case frame.KindEnd:
		return frame.Delivery{End: true}, false, nil
	}
	batch, err := frame.ParseBatch(data)
	return frame.Delivery{Speaker: speaker, Batch: batch}, false, err
}

// Done removes the job, then the attempt's audio: its report is kept elsewhere now. In this order
// a job that comes again finds all of the audio; what a crash between the two leaves in the log
// goes when it has grown old.
func (c *Claim) Done(ctx context.Context) error {
	defer c.end()
	if err := c.msg.DoubleAck(ctx); err != nil {
		return fmt.Errorf("job of attempt %s could not be ended: %w", c.job.AttemptID, err)
	}
	if err := c.bus.audio.Purge(ctx,
		jetstream.WithPurgeSubject(frame.AttemptSubjects(c.job.AttemptID))); err != nil {
		return fmt.Errorf("audio of attempt %s could not be removed: %w", c.job.AttemptID, err)
	}
	return nil
}

// Release gives the job back, for any worker to take after the delay.
func (c *Claim) Release(delay time.Duration) error {
	defer c.end()
	if err := c.msg.NakWithDelay(delay); err != nil {
		return fmt.Errorf("job of attempt %s could not be given back; it goes on in %v: %w",
			c.job.AttemptID, c.bus.cfg.AckWait, err)
	}
	return nil
}

// GiveUp ends the job and leaves its audio in the log until that grows too old, for somebody to
// look at.
func (c *Claim) GiveUp() error {
	defer c.end()
	if err := c.msg.Term(); err != nil {
		return fmt.Errorf("job of attempt %s could not be ended: %w", c.job.AttemptID, err)
	}
	return nil
}

// end lets go of everything but the job itself.
func (c *Claim) end() {
	c.stop()
	c.beaten.Wait()
}

// Abandon lets go without a word, as a crash would: the job goes to another worker when its time
// is up.
func (c *Claim) Abandon() { c.end() }
