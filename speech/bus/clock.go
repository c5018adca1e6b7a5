package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"

	"github.com/nats-io/nats.go/jetstream"
)

// ClockLeft returns how much of a play was left when the media server that wrote its log was last
// heard of: the time in which no server ran takes no play time. ok is false when the log does not
// tell, as for a play that has just begun.
func (b *Bus) ClockLeft(ctx context.Context, attemptID string) (left time.Duration, ok bool,
	err error) {
	if err := checkAttempt(attemptID); err != nil {
		return 0, false, err
	}
	m, err := b.audio.GetLastMsgForSubject(ctx, frame.ClockSubject(attemptID))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("clock of attempt %s: %w", attemptID, err)
	}
	batch, err := event.Parse(m.Data)
	if err != nil || len(batch) != 1 {
		return 0, false, err
	}
	c, ok := batch[0].(event.Clock)
	if !ok {
		return 0, false, nil
	}
	left = time.Duration(c.Left) * time.Microsecond
	if !c.Running {
		return left, true, nil
	}
	last, err := b.audio.GetLastMsgForSubject(ctx, frame.AttemptSubjects(attemptID))
	if err != nil {
		return 0, false, fmt.Errorf("last message of attempt %s: %w", attemptID, err)
	}
	ran := last.Time.Sub(time.UnixMicro(c.At))
	return max(left-max(ran, 0), 0), true, nil
}
