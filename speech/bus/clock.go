package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/store"

	"github.com/nats-io/nats.go/jetstream"
)

// LastClock returns a play's clock as it was when the media server that wrote its log was last
// heard of: the time in which no server ran takes no play time. ok is false when the log does not
// tell, as for a play that has just begun.
func (b *Bus) LastClock(ctx context.Context, attemptID string) (last store.PlayClock, ok bool,
	err error) {
	c, ok, err := lastEvent[event.Clock](ctx, b, attemptID, frame.ClockSubject(attemptID))
	if err != nil || !ok {
		return last, false, err
	}
	last = store.PlayClock{
		Left: time.Duration(c.Left) * time.Microsecond, Running: c.Running,
		Partner: c.Partner, Stood: time.Duration(c.Stood) * time.Microsecond,
	}
	if !c.Running {
		return last, true, nil
	}
	newest, err := b.audio.GetLastMsgForSubject(ctx, frame.AttemptSubjects(attemptID))
	if err != nil {
		return last, false, fmt.Errorf("last message of attempt %s: %w", attemptID, err)
	}
	ran := newest.Time.Sub(time.UnixMicro(c.At))
	last.Left = max(last.Left-max(ran, 0), 0)
	return last, true, nil
}

// lastEvent returns the event in the last message of a subject of an attempt's log. ok is false
// when there is none of its kind.
func lastEvent[T event.Event](ctx context.Context, b *Bus, attemptID, subject string) (last T,
	ok bool, err error) {
	if err := checkAttempt(attemptID); err != nil {
		return last, false, err
	}
	m, err := b.audio.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return last, false, nil
	}
	if err != nil {
		return last, false, fmt.Errorf("last message on %s: %w", subject, err)
	}
	batch, err := event.Parse(m.Data)
	if err != nil || len(batch) != 1 {
		return last, false, err
	}
	last, ok = batch[0].(T)
	return last, ok, nil
}
