package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Begin asks for the analysis of an attempt. A second call while the first job waits or runs changes nothing.
func (b *Bus) Begin(ctx context.Context, attemptID string, startedAt time.Time) error {
	if !frame.ValidToken(attemptID) {
		return fmt.Errorf("attempt %.80q cannot stand in a subject", attemptID)
	}
	data, err := json.Marshal(frame.Job{AttemptID: attemptID, StartedAt: startedAt})
	if err != nil {
		return err
	}
	_, err = b.js.PublishMsg(ctx, &nats.Msg{Subject: frame.JobSubject(attemptID), Data: data}, jetstream.WithMsgID(attemptID))
	if isThere(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the analysis of attempt %s could not be asked for: %w", attemptID, err)
	}
	return nil
}

// isThere says whether the stream refused a job because there is one for that attempt.
func isThere(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == storeFailed && strings.Contains(api.Description, "per subject")
}

// storeFailed is JetStream's error code for a message that a stream would not keep; its description says why.
const storeFailed jetstream.ErrorCode = 10077

// Finish puts everything that was tapped into the log, then the end marker.
func (b *Bus) Finish(ctx context.Context, attemptID string) error {
	b.mu.Lock()
	t := b.taps[attemptID]
	b.mu.Unlock()
	if t != nil {
		if err := t.close(ctx); err != nil {
			return err
		}
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := b.publish(limited, &nats.Msg{Subject: frame.EndSubject(attemptID)}, attemptID+"/end"); err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.taps, attemptID)
	b.mu.Unlock()
	return nil
}

// TellReport tells whoever subscribed that an attempt's report is there, or with a problem that there will be none.
func (b *Bus) TellReport(attemptID, problem string) error {
	if err := b.conn.Publish(frame.FeedbackSubject(attemptID), []byte(problem)); err != nil {
		return fmt.Errorf("news of attempt %s: %w", attemptID, err)
	}
	return nil
}

// SubscribeReport has tell called when TellReport is, in whichever process, until stop is called. tell must not block.
func (b *Bus) SubscribeReport(_ context.Context, attemptID string, tell func(problem string)) (stop func(), err error) {
	sub, err := b.conn.Subscribe(frame.FeedbackSubject(attemptID), func(m *nats.Msg) { tell(string(m.Data)) })
	if err != nil {
		return nil, fmt.Errorf("news of attempt %s: %w", attemptID, err)
	}
	return func() {
		if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			b.log.Warn("news could not be unsubscribed", "attempt", attemptID, "error", err)
		}
	}, nil
}
