package bus

import (
	"context"
	"errors"
	"strings"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Begin publishes the job to analyse an attempt and starts its tap, which sends heartbeats until
// Finish. A second call while the first job waits or runs changes nothing. It retries until ctx
// ends. When ctx has ended before, it does nothing: the caller may have lost the attempt.
func (b *Bus) Begin(ctx context.Context, attemptID string, startedAt time.Time) error {
	if err := checkAttempt(attemptID); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.tap(attemptID, startedAt)
	return b.publishJob(ctx, frame.Job{AttemptID: attemptID, StartedAt: startedAt}, attemptID)
}

// isDuplicate reports whether the stream refused a job because it has one for the attempt.
func isDuplicate(err error) bool { return isTooMany(err) }

// isTooMany reports whether a stream refused a message because its subject has as many as it may.
func isTooMany(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == storeFailed &&
		strings.Contains(api.Description, "per subject")
}

// storeFailed is JetStream's error code for a message that a stream refuses. The description says
// why.
const storeFailed jetstream.ErrorCode = 10077

// Finish publishes the frames left in the attempt's tap, then the end marker. If it returns an
// error, because ctx has ended for example, it may be called again.
func (b *Bus) Finish(ctx context.Context, attemptID string) error {
	if err := checkAttempt(attemptID); err != nil {
		return err
	}
	b.mu.Lock()
	t := b.taps[attemptID]
	b.mu.Unlock()
	end := &nats.Msg{Subject: frame.EndSubject(attemptID)}
	if t != nil {
		if err := t.close(ctx); err != nil {
			return err
		}
		end = message(end.Subject, nil, t.fence)
	}
	// An end that an earlier holder of the room wrote is not this one.
	if err := b.publish(ctx, end, attemptID+"/end-"+end.Header.Get(fenceHeader)); err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.taps, attemptID)
	b.mu.Unlock()
	return nil
}
