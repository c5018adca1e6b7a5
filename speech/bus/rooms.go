package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/speech/part"
)

// answerWait is how long a room waits for the answers of all workers to a question.
const answerWait = 300 * time.Millisecond

// maxAnswers is the largest number of answers that are read to one question.
const maxAnswers = 200

// ErrNoWorker is returned by CallActor and ConfirmActor when no worker answers.
var ErrNoWorker = errors.New("no speech worker answers")

// CallActor asks all workers for an actor. It returns the worker that holds a slot for it, or the
// best place in a queue when all are busy. It returns ErrNoWorker when nobody answers.
func (b *Bus) CallActor(ctx context.Context, c part.Call) (worker string, place int, err error) {
	err = b.ask(ctx, part.CallSubject, c, func(m part.Message) (enough bool) {
		switch m := m.(type) {
		case part.Taken:
			worker = m.Worker
			return true
		case part.Busy:
			if place == 0 || m.Place < place {
				place = m.Place
			}
		}
		return false
	})
	if err == nil && worker == "" && place == 0 {
		err = ErrNoWorker
	}
	return worker, place, err
}

// ConfirmActor tells all workers whose slot a room takes. It returns false when that worker has
// given the slot away meanwhile, and ErrNoWorker when it does not answer.
func (b *Bus) ConfirmActor(ctx context.Context, c part.Confirm) (taken bool, err error) {
	answered := false
	err = b.ask(ctx, part.ConfirmSubject, c, func(m part.Message) (enough bool) {
		r, ok := m.(part.Reply)
		answered, taken = ok, ok && !r.Stale
		return ok
	})
	if err == nil && !answered {
		err = ErrNoWorker
	}
	return taken, err
}

// Workers returns what the speech workers that answer now say of themselves.
func (b *Bus) Workers(ctx context.Context) (list []part.Status, err error) {
	err = b.ask(ctx, part.StatusSubject, part.AskStatus{}, func(m part.Message) (enough bool) {
		if s, ok := m.(part.Status); ok {
			list = append(list, s)
		}
		return false
	})
	return list, err
}

// ask sends a question to all workers, and passes on their answers until one is enough, ctx ends
// or answerWait has passed. It returns an error when the question cannot be sent.
func (b *Bus) ask(ctx context.Context, subject string, question part.Message,
	answer func(part.Message) (enough bool)) error {
	data, err := part.Marshal(question)
	if err != nil {
		return err
	}
	inbox := b.conn.NewInbox()
	sub, err := b.conn.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("ask the speech workers: %w", err)
	}
	defer b.unsubscribe(sub)
	if err := b.conn.PublishRequest(subject, inbox, data); err != nil {
		return fmt.Errorf("ask the speech workers: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	for range maxAnswers {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil // nobody else, in time
		}
		if len(m.Data) == 0 {
			return nil // nobody listens, says the server
		}
		got, err := part.Parse(m.Data)
		if err != nil {
			b.log.Warn("a speech worker's answer cannot be read", "error", err)
			continue
		}
		if answer(got) {
			return nil
		}
	}
	return nil
}

// ListenToActor passes the messages of an attempt's actors to a room until stop: to act its acts,
// whose answers it returns, and to alive the signs of life. Both run on goroutines of the bus.
func (b *Bus) ListenToActor(attemptID string, act func(part.Act) part.Reply,
	alive func(part.Alive)) (stop func(), err error) {
	if err := checkAttempt(attemptID); err != nil {
		return nil, err
	}
	acts, err := b.answer(part.ActSubject(attemptID), func(m part.Message) part.Message {
		if a, ok := m.(part.Act); ok {
			return act(a)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	signs, err := b.answer(part.AliveSubject(attemptID), func(m part.Message) part.Message {
		if a, ok := m.(part.Alive); ok {
			alive(a)
		}
		return nil
	})
	if err != nil {
		b.unsubscribe(acts)
		return nil, err
	}
	return func() { b.unsubscribe(acts, signs) }, nil
}

// TellActor tells an attempt's actor what happened, and returns its answer. Without an answer in
// time, the caller repeats it.
func (b *Bus) TellActor(ctx context.Context, attemptID string, t part.Told) (part.Reply, error) {
	if err := checkAttempt(attemptID); err != nil {
		return part.Reply{}, err
	}
	return b.request(ctx, part.ToldSubject(attemptID), t)
}

// LastPatient returns the last snapshot of an attempt's automatic patient. ok is false when the
// log has none.
func (b *Bus) LastPatient(ctx context.Context, attemptID string) (last event.Patient, ok bool,
	err error) {
	return lastEvent[event.Patient](ctx, b, attemptID, frame.StateSubject(attemptID))
}
