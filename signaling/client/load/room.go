package load

import (
	"context"
	"errors"
	"time"

	"bedside/store/wait"

	"golang.org/x/sync/errgroup"
)

// room is one role play of a load test. Its methods are called one after the other.
type room struct {
	run     *run
	people  []*person
	playing bool
}

// fill creates the attempt and lets its participants join. Participants that fail are counted and
// left out.
func (m *room) fill(ctx context.Context) {
	cfg := m.run.cfg
	attempt, err := cfg.Candidate.CreateAttempt(ctx, cfg.Scenario)
	if err != nil {
		m.run.failed("creating an attempt", err)
		return
	}
	for i := range cfg.Participants {
		rest := cfg.Tutor
		if i == 0 {
			rest = cfg.Candidate
		}
		p, err := m.run.join(ctx, rest, attempt.ID, roleOf(i))
		if err != nil {
			m.run.failed("joining as "+string(roleOf(i)), err)
			if i == 0 {
				return // a play needs its candidate
			}
			continue
		}
		m.people = append(m.people, p)
	}
}

// speak starts the play and lets everybody with a voice send until a time of the run's clock.
func (m *room) speak(ctx context.Context, offset, until time.Duration) {
	if len(m.people) == 0 {
		return
	}
	if err := wait.For(ctx, offset); err != nil {
		return
	}
	starting, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	if err := m.people[0].Start(starting); err != nil {
		m.run.failed("starting the play", err)
		return
	}
	m.playing = true
	var group errgroup.Group
	for _, p := range m.people {
		if p.voice == nil {
			continue
		}
		p.voice.until = until
		group.Go(func() error {
			if err := p.Speak(ctx, p.voice); err != nil && !errors.Is(err, context.Canceled) {
				m.run.failed("speaking", err)
			}
			return nil
		})
	}
	group.Wait()
}

// empty ends the play and makes everybody leave.
func (m *room) empty(ctx context.Context) {
	if m.playing {
		if err := m.people[0].Finish(ctx); err != nil {
			m.run.failed("ending the play", err)
		}
	}
	for _, p := range m.people {
		if err := p.Leave(ctx); err != nil {
			m.run.failed("leaving", err)
		}
	}
}
