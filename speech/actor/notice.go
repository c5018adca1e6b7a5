package actor

import (
	"context"
	"slices"

	"bedside/speech/asr"
	"bedside/speech/part"
	"bedside/speech/patient"
	"bedside/store"
)

// notice does what follows from what the room tells. A notice that comes again does nothing.
func (p *play) notice(ctx context.Context, t part.Told) error {
	if t.Number <= p.told {
		return nil
	}
	p.told = t.Number
	switch n := t.Notice.(type) {
	case part.Clock:
		return p.setClock(n)
	case part.Played:
		p.setPlayed(n)
	case part.Typed:
		return p.typed(ctx, n)
	case part.Talk:
		p.ear.hold(n.On, p.seconds(n.At))
		return p.decide(ctx)
	case part.Heard: // the feed has it
	case part.Control:
		return p.control(ctx, n)
	case part.Ended:
		return errEnded
	}
	return nil
}

// setClock follows the play's clock. While it stands, nobody is heard.
func (p *play) setClock(c part.Clock) error {
	if p.startedAt == 0 {
		p.startedAt = c.StartedAt
	}
	if c.Running && !p.time.Running { // what was said meanwhile does not count
		if p.stoppedAt == 0 {
			p.heardTo = max(p.heardTo, c.At)
		} else {
			p.stood = append(p.stood, [2]int64{p.stoppedAt, c.At})
		}
	}
	if p.stoppedAt = 0; !c.Running {
		p.stoppedAt = c.At
	}
	p.time = c
	if !c.Running {
		p.stopReply()
		return p.ear.drop()
	}
	return nil
}

// setPlayed takes note that a line was said. The silence of the conversation begins at its end.
func (p *play) setPlayed(n part.Played) {
	p.heardReply(n)
	if i := slices.Index(p.saying, n.Line); i >= 0 {
		p.saying = slices.Delete(p.saying, 0, i+1) // the room plays them in order
	}
	if p.startedAt != 0 && n.To > n.From {
		at := p.played(p.seconds(n.To))
		p.now.State.SpokeAt = max(p.now.State.SpokeAt, at)
	}
}

// typed takes a turn that the candidate typed instead of speaking.
func (p *play) typed(ctx context.Context, n part.Typed) error {
	words := asr.Words(n.Text)
	if !p.listens() || len(words) == 0 {
		return nil
	}
	if err := p.ear.drop(); err != nil {
		return err
	}
	p.heardTo = max(p.heardTo, p.micros(p.ear.audioAt)) // another actor need not hear it
	if err := p.hush(ctx); err != nil {
		return err
	}
	at := p.seconds(n.At)
	turn := heard{From: at, To: at, Best: [][]string{words}}
	for _, w := range words {
		turn.Words = append(turn.Words, asr.Word{Text: w, From: at, To: at, Confidence: 1})
	}
	p.record(turn.Words, true)
	return p.hear(ctx, turn, &part.Caption{Text: n.Text, Final: true})
}

// hush stops what the patient is saying.
func (p *play) hush(ctx context.Context) error {
	p.stopReply()
	p.now.Unsaid = nil
	if len(p.saying) == 0 {
		return nil
	}
	p.saying = nil
	return p.act(ctx, part.Act{StopSaying: true})
}

// browserWords returns what the candidate's browser has recognised, in seconds since 1970.
func browserWords(n part.Heard) []asr.Word {
	words := make([]asr.Word, len(n.Words))
	for i, w := range n.Words {
		words[i] = asr.Word{
			Text: w.Text, From: float64(w.From) / 1e6, To: float64(w.To) / 1e6,
			Confidence: w.Confidence,
		}
	}
	return words
}

// control does what the candidate wants in a practice.
func (p *play) control(ctx context.Context, n part.Control) error {
	if p.call.Mode != store.ModePractice {
		return nil
	}
	switch n.Action {
	case part.Pause:
		p.paused = true
		if err := p.ear.drop(); err != nil {
			return err
		}
		if err := p.hush(ctx); err != nil {
			return err
		}
		return p.act(ctx, part.Act{Doing: part.Paused})
	case part.Resume:
		p.paused = false
		p.heardTo = max(p.heardTo, n.At)
		p.now.State.SpokeAt = max(p.now.State.SpokeAt, p.played(p.seconds(p.heardTo)))
		return p.act(ctx, part.Act{Doing: part.Listening})
	case part.Again:
		if err := p.hush(ctx); err != nil || p.now.Last == nil {
			return err
		}
		p.now.Unsaid = []patient.Line{*p.now.Last}
		return p.say(ctx, part.Act{})
	case part.Hint:
		return p.act(ctx, part.Act{Hint: p.hint()})
	case part.Restart:
		if err := p.ear.drop(); err != nil {
			return err
		}
		if err := p.hush(ctx); err != nil {
			return err
		}
		p.paused = false
		p.openSession(ctx)
		p.heardTo = max(p.heardTo, n.At)
		at := p.played(p.seconds(n.At))
		p.now = snapshot{State: p.dialogue.BeginAt(at)}
		p.now.State.SpokeAt = at
		p.mood = moodOf(p.now.State)
		return p.act(ctx, part.Act{Doing: part.Listening, Mood: &p.mood})
	}
	return nil
}

// hint says which task of the card is still to be done.
func (p *play) hint() string {
	for _, t := range p.scenario.Candidate.Tasks {
		if len(t.CoveredBy) > 0 && !slices.ContainsFunc(t.CoveredBy, p.covered) {
			return "Next on your card: " + t.Text
		}
	}
	return "You have touched on every task of your card. Check what has been understood, " +
		"and close the conversation."
}
