package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Claim is one worker's hold on one attempt. It keeps itself alive until Done, Release or GiveUp; when its process dies the job goes to
// another worker. It belongs to one goroutine.
type Claim struct {
	bus    *Bus
	job    frame.Job
	tries  int
	msg    jetstream.Msg
	log    jetstream.MessagesContext // of the attempt's audio; nil before the first Next
	last   time.Time                 // when the tap was last heard, or we were last deaf
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
		case err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout):
			b.log.Warn("no job could be asked for; trying again", "error", err)
			if err := pause(ctx, time.Second); err != nil {
				return nil, err
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take makes a claim of a message, or discards one that no worker could ever read.
func (b *Bus) take(m jetstream.Msg) *Claim {
	c := &Claim{bus: b, msg: m, tries: 1, last: time.Now()}
	if err := json.Unmarshal(m.Data(), &c.job); err != nil || !frame.ValidToken(c.job.AttemptID) {
		b.log.Error("a job that cannot be read was thrown away", "subject", m.Subject(), "error", err)
		if err := m.Term(); err != nil {
			b.log.Warn("and could not be ended", "error", err)
		}
		return nil
	}
	if meta, err := m.Metadata(); err == nil {
		c.tries = int(meta.NumDelivered)
	}
	ctx, cancel := context.WithCancel(b.ctx)
	c.stop = cancel
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
				c.bus.log.Warn("a claim could not be kept alive; another worker may take it", "attempt", c.job.AttemptID, "error", err)
			}
		}
	}
}

// Job is what was claimed.
func (c *Claim) Job() frame.Job { return c.job }

// Tries is how often the job was given to a worker, this time included.
func (c *Claim) Tries() int { return c.tries }

// Next gives the attempt's messages from the first on, then as they come. Heartbeats are passed over. A delivery with End set is the last; it
// also comes when the tap has been silent for Config.IdleEnd while we could hear it.
func (c *Claim) Next(ctx context.Context) (frame.Delivery, error) {
	if c.log == nil {
		consumer, err := c.bus.js.OrderedConsumer(ctx, audioStream, jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{frame.AttemptSubjects(c.job.AttemptID)}, DeliverPolicy: jetstream.DeliverAllPolicy,
		})
		if err != nil {
			return frame.Delivery{}, fmt.Errorf("log of attempt %s: %w", c.job.AttemptID, err)
		}
		if c.log, err = consumer.Messages(); err != nil {
			return frame.Delivery{}, fmt.Errorf("log of attempt %s: %w", c.job.AttemptID, err)
		}
	}
	for {
		m, err := c.wait(ctx)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return frame.Delivery{}, context.Cause(ctx)
		case errors.Is(err, context.DeadlineExceeded):
			if c.bus.conn.IsConnected() {
				return frame.Delivery{End: true}, nil
			}
			c.last = time.Now()
			continue
		default:
			return frame.Delivery{}, fmt.Errorf("log of attempt %s: %w", c.job.AttemptID, err)
		}
		c.last = time.Now()
		d, skip, err := delivery(m)
		if err != nil {
			// One broken message must not cost the attempt: what it held is lost, the rest is heard.
			c.bus.log.Error("a message of the log could not be read", "attempt", c.job.AttemptID, "error", err)
			continue
		}
		if !skip {
			return d, nil
		}
	}
}

// wait takes the next message, or gives up when the tap has been silent for too long.
func (c *Claim) wait(ctx context.Context) (jetstream.Msg, error) {
	limited, cancel := context.WithDeadline(ctx, c.last.Add(c.bus.cfg.IdleEnd))
	defer cancel()
	return c.log.Next(jetstream.NextContext(limited))
}

func delivery(m jetstream.Msg) (d frame.Delivery, skip bool, err error) {
	kind, speaker, err := frame.ParseAudioSubject(m.Subject())
	if err != nil {
		return d, false, err
	}
	switch kind {
	case frame.KindAlive:
		return d, true, nil
	case frame.KindEnd:
		return frame.Delivery{End: true}, false, nil
	}
	batch, err := frame.ParseBatch(m.Data())
	return frame.Delivery{Speaker: speaker, Batch: batch}, false, err
}

// Done removes the attempt's audio, then the job: its report is kept elsewhere now.
func (c *Claim) Done(ctx context.Context) error {
	defer c.end()
	if err := c.bus.audio.Purge(ctx, jetstream.WithPurgeSubject(frame.AttemptSubjects(c.job.AttemptID))); err != nil {
		return fmt.Errorf("audio of attempt %s could not be removed: %w", c.job.AttemptID, err)
	}
	if err := c.msg.DoubleAck(ctx); err != nil {
		return fmt.Errorf("job of attempt %s could not be ended: %w", c.job.AttemptID, err)
	}
	return nil
}

// Release gives the job back, for any worker to take after the delay.
func (c *Claim) Release(delay time.Duration) error {
	defer c.end()
	if err := c.msg.NakWithDelay(delay); err != nil {
		return fmt.Errorf("job of attempt %s could not be given back; it goes on in %v: %w", c.job.AttemptID, c.bus.cfg.AckWait, err)
	}
	return nil
}

// GiveUp ends the job and leaves its audio in the log until that grows too old, for somebody to look at.
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
	if c.log != nil {
		c.log.Stop()
	}
}

// Abandon lets go without a word, as a crash would: the job goes to another worker when its time is up.
func (c *Claim) Abandon() { c.end() }
