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

// Begin asks for the analysis of an attempt, and shows that it lives until Finish ends it,
// whether or not anybody speaks. A second call while the first job waits or runs changes nothing.
func (b *Bus) Begin(ctx context.Context, attemptID string, startedAt time.Time) error {
	if !frame.ValidToken(attemptID) {
		return fmt.Errorf("attempt %.80q cannot stand in a subject", attemptID)
	}
	data, err := json.Marshal(frame.Job{AttemptID: attemptID, StartedAt: startedAt})
	if err != nil {
		return err
	}
	b.tap(attemptID, startedAt)
	_, err = b.js.PublishMsg(ctx, &nats.Msg{Subject: frame.JobSubject(attemptID), Data: data},
		jetstream.WithMsgID(attemptID))
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
	return errors.As(err, &api) && api.ErrorCode == storeFailed &&
		strings.Contains(api.Description, "per subject")
}

// storeFailed is JetStream's error code for a message that a stream would not keep; its
// description says why.
const storeFailed jetstream.ErrorCode = 10077

// Finish puts everything that was tapped into the log, then the end marker. When ctx ends first
// it can be called again.
func (b *Bus) Finish(ctx context.Context, attemptID string) error {
	if !frame.ValidToken(attemptID) {
		return fmt.Errorf("attempt %.80q cannot stand in a subject", attemptID)
	}
	b.mu.Lock()
	t := b.taps[attemptID]
	b.mu.Unlock()
	if t != nil {
		if err := t.close(ctx); err != nil {
			return err
		}
	}
	if err := b.publish(ctx, &nats.Msg{Subject: frame.EndSubject(attemptID)},
		attemptID+"/end"); err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.taps, attemptID)
	b.mu.Unlock()
	return nil
}
