package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/speech/frame"
	"bedside/store/wait"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// fetchBatch is how many messages are asked for at a time.
const fetchBatch = 256

// reader follows an attempt's log from its first message on. Each message comes once and in
// order, also when the connection or the server goes away meanwhile: the server counts what it
// delivers, and after a gap a new consumer goes on behind the last message read. Unlike the
// client library's ordered consumer, which repairs itself for as long as it takes, it always
// heeds the caller's context. It belongs to its claim.
type reader struct {
	bus     *Bus
	attempt string
	life    context.Context // the claim's

	consumer jetstream.Consumer     // nil: to be made
	made     time.Time              // when consumer was asked for
	batch    jetstream.MessageBatch // nil: to be asked for
	release  context.CancelFunc     // of batch
	seen     uint64                 // messages that consumer has delivered
	read     uint64                 // the place in the stream of the last message read; 0: none
}

// next gives the next message. While NATS is away it waits; it fails when ctx ends or the bus is
// closed.
func (r *reader) next(ctx context.Context) (jetstream.Msg, error) {
	for {
		if since, _ := r.bus.heardSince(); since.After(r.made) {
			r.restart() // what was on its way when the connection broke is lost
		}
		err := r.ask(ctx)
		if err == nil {
			select {
			case m, ok := <-r.batch.Messages():
				if ok && r.inOrder(m) {
					return m, nil
				}
				if ok {
					err = errGap
				} else {
					err = r.batch.Error()
					r.drop()
				}
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case r.bus.conn.IsClosed():
			return nil, fmt.Errorf("log of attempt %s: %w", r.attempt, nats.ErrConnectionClosed)
		case err == nil || errors.Is(err, context.DeadlineExceeded):
			// A request is answered in part, or not at all, when nothing more is said.
		default:
			r.bus.log.Warn("the log could not be read; trying again", "attempt", r.attempt,
				"error", err)
			r.restart()
			if err := wait.For(ctx, retryPause); err != nil {
				return nil, err
			}
		}
	}
}

var errGap = errors.New("messages were lost on their way")

// ask has a request for messages waiting at the server.
func (r *reader) ask(ctx context.Context) (err error) {
	if r.batch != nil {
		return nil
	}
	if r.consumer == nil {
		limited, cancel := context.WithTimeout(ctx, fetchWait)
		defer cancel()
		r.seen, r.made = 0, time.Now()
		r.consumer, err = r.bus.js.CreateConsumer(limited, audioStream, jetstream.ConsumerConfig{
			FilterSubject: frame.AttemptSubjects(r.attempt), DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: r.read + 1,
			AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
		})
		if err != nil {
			r.consumer = nil
			return err
		}
	}
	waiting, cancel := context.WithTimeout(r.life, fetchWait)
	r.batch, err = r.consumer.Fetch(fetchBatch, jetstream.FetchContext(waiting))
	if err != nil {
		cancel()
		r.batch = nil
		return err
	}
	r.release = cancel
	return nil
}

// inOrder tells whether a message is the next that the consumer delivered.
func (r *reader) inOrder(m jetstream.Msg) bool {
	meta, err := m.Metadata()
	if err != nil || meta.Sequence.Consumer != r.seen+1 {
		return false
	}
	r.seen, r.read = meta.Sequence.Consumer, meta.Sequence.Stream
	return true
}

// restart has a new consumer go on behind the last message read.
func (r *reader) restart() {
	r.drop()
	r.consumer = nil
}

// drop lets go of the request.
func (r *reader) drop() {
	if r.batch != nil {
		r.release()
		r.batch, r.release = nil, nil
	}
}
