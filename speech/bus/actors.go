package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/speech/part"
	"bedside/store/wait"

	"github.com/nats-io/nats.go"
)

// Rooms and the actors of their automatic patients exchange the messages of package part over
// core NATS, without a stream. This file has the side of the workers that have actors; rooms.go
// has the other.

const (
	// repeatAfter is how long an answer is waited for before a message is sent again.
	repeatAfter = 400 * time.Millisecond
	// repeatPause is the pause after nobody was there to answer.
	repeatPause = 100 * time.Millisecond
)

// Stage answers the rooms that look for an actor. Its methods must return at once; they are called
// on goroutines of the bus.
type Stage interface {
	// Call returns a part.Taken, a part.Busy, or nil to say nothing.
	Call(c part.Call) part.Message
	// Confirm starts the actor for which a slot is held, and reports whether there was one. It is
	// called only for what names this worker.
	Confirm(c part.Confirm) bool
	// Release frees a slot that is held for a call that another worker has got.
	Release(c part.Confirm)
	Status() part.Status
}

// ServeStage lets a stage answer, until stop is called. worker is its name in messages.
func (b *Bus) ServeStage(worker string, s Stage) (stop func(), err error) {
	handlers := map[string]func(part.Message) part.Message{
		part.CallSubject: func(m part.Message) part.Message {
			if c, ok := m.(part.Call); ok {
				return s.Call(c)
			}
			return nil
		},
		part.ConfirmSubject: func(m part.Message) part.Message {
			c, ok := m.(part.Confirm)
			switch {
			case !ok:
				return nil
			case c.Worker != worker:
				s.Release(c)
				return nil
			}
			return part.Reply{Stale: !s.Confirm(c)}
		},
		part.StatusSubject: func(m part.Message) part.Message {
			if _, ok := m.(part.AskStatus); ok {
				return s.Status()
			}
			return nil
		},
	}
	var subs []*nats.Subscription
	stop = func() { b.unsubscribe(subs...) }
	for subject, handle := range handlers {
		sub, err := b.answer(subject, handle)
		if err != nil {
			stop()
			return nil, err
		}
		subs = append(subs, sub)
	}
	return stop, b.subscribed()
}

// Play is the link between an actor and its room. It is safe for concurrent use. The actor closes
// it.
type Play struct {
	bus     *Bus
	attempt string
	sub     *nats.Subscription
}

// JoinPlay opens the link of an attempt's actor. told is called with what the room tells, one
// after the other on a goroutine of the bus, and must return at once. It returns nil for what it
// does not answer, as for what is not for this actor.
func (b *Bus) JoinPlay(attempt string, told func(part.Told) *part.Reply) (*Play, error) {
	if err := checkAttempt(attempt); err != nil {
		return nil, err
	}
	sub, err := b.answer(part.ToldSubject(attempt), func(m part.Message) part.Message {
		if t, ok := m.(part.Told); ok {
			if r := told(t); r != nil {
				return *r
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Play{bus: b, attempt: attempt, sub: sub}, b.subscribed()
}

// Act sends an act until the room has answered. It returns an error when ctx ends or the bus is
// closed.
func (p *Play) Act(ctx context.Context, a part.Act) (part.Reply, error) {
	return p.bus.repeat(ctx, part.ActSubject(p.attempt), a)
}

// Alive tells the room that the actor is there. It does not wait for the message to arrive.
func (p *Play) Alive(a part.Alive) error {
	data, err := part.Marshal(a)
	if err != nil {
		return err
	}
	return p.bus.conn.Publish(part.AliveSubject(p.attempt), data)
}

// Close ends the link.
func (p *Play) Close() { p.bus.unsubscribe(p.sub) }

// answer calls handle with the messages on a subject, and replies with what it returns; nil is no
// reply.
func (b *Bus) answer(subject string, handle func(part.Message) part.Message) (
	*nats.Subscription, error) {
	sub, err := b.conn.Subscribe(subject, func(m *nats.Msg) {
		in, err := part.Parse(m.Data)
		if err != nil {
			b.metrics.malformed.Inc()
			b.log.Error("malformed message skipped", "subject", m.Subject, "error", err)
			return
		}
		out := handle(in)
		if out == nil || m.Reply == "" {
			return
		}
		data, err := part.Marshal(out)
		if err == nil {
			err = m.Respond(data)
		}
		if err != nil {
			b.log.Warn("cannot answer a message", "subject", m.Subject, "error", err)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	return sub, nil
}

// subscribed returns when the server knows of the subscriptions so far.
func (b *Bus) subscribed() error {
	ctx, cancel := context.WithTimeout(b.ctx, publishTimeout)
	defer cancel()
	return b.conn.FlushWithContext(ctx)
}

// request sends a message and returns the part.Reply that answers it. It returns
// part.ErrMalformed when the message or the answer is none.
func (b *Bus) request(ctx context.Context, subject string, m part.Message) (part.Reply, error) {
	data, err := part.Marshal(m)
	if err != nil {
		return part.Reply{}, err
	}
	answer, err := b.conn.RequestWithContext(ctx, subject, data)
	if err != nil {
		return part.Reply{}, fmt.Errorf("%s: %w", subject, err)
	}
	out, err := part.Parse(answer.Data)
	if err != nil {
		return part.Reply{}, err
	}
	r, ok := out.(part.Reply)
	if !ok {
		return part.Reply{}, fmt.Errorf("%w: a %T answers on %s", part.ErrMalformed, out, subject)
	}
	return r, nil
}

// repeat sends a message until it is answered.
func (b *Bus) repeat(ctx context.Context, subject string, m part.Message) (part.Reply, error) {
	for {
		limited, cancel := context.WithTimeout(ctx, repeatAfter)
		r, err := b.request(limited, subject, m)
		cancel()
		switch {
		case err == nil, errors.Is(err, part.ErrMalformed),
			errors.Is(err, nats.ErrConnectionClosed):
			return r, err
		case ctx.Err() != nil:
			return part.Reply{}, context.Cause(ctx)
		}
		if err := wait.For(ctx, repeatPause); err != nil {
			return part.Reply{}, err
		}
	}
}

func (b *Bus) unsubscribe(subs ...*nats.Subscription) {
	for _, s := range subs {
		if err := s.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			b.log.Warn("cannot unsubscribe", "subject", s.Subject, "error", err)
		}
	}
}
