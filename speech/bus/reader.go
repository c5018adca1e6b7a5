package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bedside/speech/frame"
	"bedside/store/wait"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// fetchBatch is the number of messages in one request.
const fetchBatch = 256

// reader reads an attempt's log from its first message on. It returns each message once and in
// order, even if the connection or the server is lost in between. The server numbers the messages
// that it delivers to a consumer; after a gap in these numbers the reader creates a new consumer
// behind the last message read. The client library has an ordered consumer that does the same,
// but it does not return when the caller's context ends. A reader belongs to its claim or
// follower.
type reader struct {
	bus     *Bus
	attempt string
	life    context.Context // of its owner

	consumer  jetstream.Consumer     // nil: to be created
	created   time.Time              // when consumer was requested
	batch     jetstream.MessageBatch // nil: to be requested
	stopBatch context.CancelFunc
	delivered uint64 // number of the last message that consumer delivered
	lastRead  uint64 // sequence in the stream of the last message read; 0: none
	firstRead uint64 // likewise of the first
}

// next returns the next message. While NATS is away it waits. It returns an error when ctx ends or
// the bus is closed.
func (r *reader) next(ctx context.Context) (jetstream.Msg, error) {
	for {
		if since, _ := r.bus.connectedSince(); since.After(r.created) {
			r.restart() // messages that were in transit when the connection broke are lost
		}
		err := r.request(ctx)
		if err == nil {
			select {
			case m, ok := <-r.batch.Messages():
				if ok && r.accept(m) {
					return m, nil
				}
				if ok {
					err = errGap
				} else {
					err = r.batch.Error()
					r.dropBatch()
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
			// There were fewer messages than requested, or none.
		default:
			r.bus.log.Warn("cannot read the log; retrying", "attempt", r.attempt,
				"error", err)
			r.restart()
			if err := wait.For(ctx, retryPause); err != nil {
				return nil, err
			}
		}
	}
}

// errGap is logged when the numbers of a consumer's messages have a gap.
var errGap = errors.New("messages were lost in transit")

// request makes sure that a request for messages waits at the server.
func (r *reader) request(ctx context.Context) (err error) {
	if r.batch != nil {
		return nil
	}
	if r.consumer == nil {
		limited, cancel := context.WithTimeout(ctx, fetchTimeout)
		defer cancel()
		if err := r.findPlace(limited); err != nil {
			return err
		}
		r.delivered, r.created = 0, time.Now()
		r.consumer, err = r.bus.js.CreateConsumer(limited, audioStream, jetstream.ConsumerConfig{
			FilterSubject:     frame.AttemptSubjects(r.attempt),
			DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:       r.lastRead + 1,
			AckPolicy:         jetstream.AckNonePolicy,
			MemoryStorage:     true,
			Replicas:          1,
			InactiveThreshold: time.Minute,
		})
		if err != nil {
			r.consumer = nil
			return err
		}
	}
	waiting, cancel := context.WithTimeout(r.life, fetchTimeout)
	r.batch, err = r.consumer.Fetch(fetchBatch, jetstream.FetchContext(waiting))
	if err != nil {
		cancel()
		r.batch = nil
		return err
	}
	r.stopBatch = cancel
	return nil
}

// findPlace makes the reader begin again when the log was made anew, with lower numbers than those
// that it has read. Bedside makes it with higher ones.
func (r *reader) findPlace(ctx context.Context) error {
	if r.lastRead == 0 {
		return nil
	}
	info, err := r.bus.audio.Info(ctx)
	if err != nil {
		return err
	}
	if info.State.LastSeq < r.lastRead {
		r.bus.log.Warn("the log was made anew while it was read", "attempt", r.attempt)
		r.firstRead, r.lastRead = 0, 0
	}
	return nil
}

// accept records a message as read, and reports false if the consumer delivered others before it.
func (r *reader) accept(m jetstream.Msg) bool {
	meta, err := m.Metadata()
	if err != nil || meta.Sequence.Consumer != r.delivered+1 {
		return false
	}
	r.delivered, r.lastRead = meta.Sequence.Consumer, meta.Sequence.Stream
	if r.firstRead == 0 {
		r.firstRead = r.lastRead
	}
	return true
}

// isWhole reports whether the first message that was read is still in the log. The
// worker that ends an attempt's job removes its log, and so the first message.
func (r *reader) isWhole(ctx context.Context) bool {
	if r.firstRead == 0 {
		return false
	}
	m, err := r.bus.audio.GetMsg(ctx, r.firstRead)
	return err == nil && strings.HasPrefix(m.Subject, frame.AudioSubject(r.attempt, ""))
}

// restart makes the next request create a new consumer behind the last message read.
func (r *reader) restart() {
	r.dropBatch()
	r.consumer = nil
}

// dropBatch cancels the request.
func (r *reader) dropBatch() {
	if r.batch != nil {
		r.stopBatch()
		r.batch, r.stopBatch = nil, nil
	}
}
