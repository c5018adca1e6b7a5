package load

import (
	"context"
	"errors"
	"time"

	"bedside/store/wait"

	"golang.org/x/sync/errgroup"
)

// room is one role play of a load. Its methods are called one after the other.
type room struct {
	run     *run
	people  []*person
	playing bool
}

// fill makes the attempt and has its people join. Who fails is counted and missing.
func (m *room) fill(ctx context.Context) {
	cfg := m.run.cfg
	attempt, err := cfg.Candidate.CreateAttempt(ctx, cfg.Scenario)
	if err != nil {
		m.run.failed("making an attempt", err)
		return
	}
	for i := range cfg.Participants {
		rest := cfg.Tutor
		if i == 0 {
			rest = cfg.Candidate
		}
		p, err := m.run.join(ctx, rest, attempt.ID, part(i))
		if err != nil {
			m.run.failed("joining as "+string(part(i)), err)
			if i == 0 {
				return // without its candidate there is no play
			}
			continue
		}
		m.people = append(m.people, p)
	}
}

// speak begins the play and has everybody with a voice speak until a moment of the load's clock.
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
		m.run.failed("beginning the play", err)
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

// empty ends the play and sends everybody home.
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
