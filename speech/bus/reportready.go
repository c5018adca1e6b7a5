package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"bedside/speech/frame"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// subscription waits for the announcement of one attempt's report.
type subscription struct {
	attempt string

	mu     sync.Mutex
	notify func(problem string) // nil after its call, or after stop; guarded by mu
}

// deliver calls notify, unless it was called before.
func (s *subscription) deliver(problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notify != nil {
		s.notify(problem)
		s.notify = nil
	}
}

func (s *subscription) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notify = nil
}

// PublishReportReady announces that an attempt's report is stored, or with a problem that there
// will be none. It reaches the subscribers of all processes, and those who subscribe within an
// hour. It retries until ctx ends.
func (b *Bus) PublishReportReady(ctx context.Context, attemptID, problem string) error {
	if err := checkAttempt(attemptID); err != nil {
		return err
	}
	return b.publish(ctx,
		&nats.Msg{Subject: frame.ReportReadySubject(attemptID), Data: []byte(problem)},
		rand.Text())
}

// SubscribeReportReady calls notify once, when any process calls PublishReportReady for the
// attempt, or at once if one did within the last hour. notify runs on a goroutine of the bus and
// must not block. It is not called after stop has returned.
func (b *Bus) SubscribeReportReady(ctx context.Context, attemptID string,
	notify func(problem string)) (stop func(), err error) {
	if err := checkAttempt(attemptID); err != nil {
		return nil, err
	}
	s := &subscription{attempt: attemptID, notify: notify}
	sub, err := b.conn.Subscribe(frame.ReportReadySubject(attemptID), func(m *nats.Msg) {
		s.deliver(string(m.Data))
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to the report of attempt %s: %w", attemptID, err)
	}
	b.mu.Lock()
	b.subscriptions[s] = struct{}{}
	b.mu.Unlock()
	b.deliverStored(ctx, s)
	return func() {
		s.stop()
		b.mu.Lock()
		delete(b.subscriptions, s)
		b.mu.Unlock()
		if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			b.log.Warn("cannot unsubscribe from an attempt's report", "attempt", attemptID,
				"error", err)
		}
	}, nil
}

// deliverStored delivers an announcement that was published before the subscription. The
// subscription works without it, so an error is logged only.
func (b *Bus) deliverStored(ctx context.Context, s *subscription) {
	if !b.conn.IsConnected() {
		return // deliverMissed follows after the reconnection
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	m, err := b.reports.GetLastMsgForSubject(ctx, frame.ReportReadySubject(s.attempt))
	switch {
	case err == nil:
		s.deliver(string(m.Data))
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		b.log.Warn("cannot look up whether a report is ready", "attempt", s.attempt, "error", err)
	}
}

// deliverMissed delivers to all subscriptions what was published while the connection was lost.
func (b *Bus) deliverMissed() {
	b.mu.Lock()
	subscriptions := make([]*subscription, 0, len(b.subscriptions))
	for s := range b.subscriptions {
		subscriptions = append(subscriptions, s)
	}
	b.mu.Unlock()
	for _, s := range subscriptions {
		if b.ctx.Err() == nil {
			b.deliverStored(b.ctx, s)
		}
	}
}
