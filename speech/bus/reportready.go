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

// listener waits for the news of one attempt.
type listener struct {
	attempt string

	mu   sync.Mutex
	tell func(problem string) // nil once it was called, or is not wanted any longer; guarded by mu
}

// hear passes news on, once.
func (l *listener) hear(problem string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tell != nil {
		l.tell(problem)
		l.tell = nil
	}
}

func (l *listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell = nil
}

// PublishReportReady tells whoever subscribed, or does so within the next hour, that an attempt's report
// is there, or with a problem that there will be none. It tries until ctx ends.
func (b *Bus) PublishReportReady(ctx context.Context, attemptID, problem string) error {
	if !frame.ValidToken(attemptID) {
		return fmt.Errorf("attempt %.80q cannot stand in a subject", attemptID)
	}
	return b.publish(ctx,
		&nats.Msg{Subject: frame.ReportReadySubject(attemptID), Data: []byte(problem)}, rand.Text())
}

// SubscribeReportReady has tell called once when PublishReportReady is, in whichever process, or at once if it
// was before. It is not called after stop has returned. tell must not block.
func (b *Bus) SubscribeReportReady(ctx context.Context, attemptID string,
	tell func(problem string)) (stop func(), err error) {
	if !frame.ValidToken(attemptID) {
		return nil, fmt.Errorf("attempt %.80q cannot stand in a subject", attemptID)
	}
	l := &listener{attempt: attemptID, tell: tell}
	sub, err := b.conn.Subscribe(frame.ReportReadySubject(attemptID), func(m *nats.Msg) {
		l.hear(string(m.Data))
	})
	if err != nil {
		return nil, fmt.Errorf("news of attempt %s: %w", attemptID, err)
	}
	b.mu.Lock()
	b.listeners[l] = struct{}{}
	b.mu.Unlock()
	b.lookUp(ctx, l)
	return func() {
		l.stop()
		b.mu.Lock()
		delete(b.listeners, l)
		b.mu.Unlock()
		if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			b.log.Warn("news could not be unsubscribed", "attempt", attemptID, "error", err)
		}
	}, nil
}

// lookUp finds news that came before the subscription. The subscription stands without it, so an
// error is only noted.
func (b *Bus) lookUp(ctx context.Context, l *listener) {
	if !b.conn.IsConnected() {
		return // catchUp follows
	}
	ctx, cancel := context.WithTimeout(ctx, publishLimit)
	defer cancel()
	m, err := b.news.GetLastMsgForSubject(ctx, frame.ReportReadySubject(l.attempt))
	switch {
	case err == nil:
		l.hear(string(m.Data))
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		b.log.Warn("older news could not be looked up", "attempt", l.attempt, "error", err)
	}
}

// catchUp gives all listeners what was told while the connection was lost.
func (b *Bus) catchUp() {
	b.mu.Lock()
	listeners := make([]*listener, 0, len(b.listeners))
	for l := range b.listeners {
		listeners = append(listeners, l)
	}
	b.mu.Unlock()
	for _, l := range listeners {
		if b.ctx.Err() == nil {
			b.lookUp(b.ctx, l)
		}
	}
}
