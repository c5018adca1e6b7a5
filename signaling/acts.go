package signaling

import (
	"context"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/speech/part"
	"bedside/store"
)

// maxLines is the largest number of lines that wait to be said.
const maxLines = 8

// utterance is a line that is being said.
type utterance struct {
	line part.Line
	stop context.CancelFunc // ends it before its next frame
}

// act carries out what an actor wants. An act that comes again does nothing, and one of an earlier
// actor is refused.
func (a *automatic) act(m part.Act) part.Reply {
	x := a.actor
	if x == nil || m.Generation != x.generation {
		a.room.env.metrics.staleActs.Inc()
		return part.Reply{Stale: true}
	}
	if m.Number <= x.acts {
		return part.Reply{}
	}
	x.acts = m.Number
	a.record(m)
	if m.StopSaying {
		a.hush()
	}
	if m.Say != nil {
		a.say(*m.Say)
	}
	if m.Doing != "" {
		a.doing = m.Doing
	}
	if m.Mood != nil {
		a.mood = m.Mood.Emotion
	}
	if m.Caption != nil {
		a.caption(store.ParticipantCandidate, m.Caption.Text, m.Caption.Final, false)
	}
	if p := a.room.participants[string(store.ParticipantCandidate)]; m.Hint != "" && p != nil &&
		a.practice() {
		p.push(protocol.Hint{Text: m.Hint})
	}
	a.typing = m.OfferTyping || a.typing && m.Say == nil
	a.show()
	return part.Reply{}
}

// record stores an act's events, and keeps its snapshot. Before the play nothing is recorded.
func (a *automatic) record(m part.Act) {
	if len(m.State) > 0 {
		a.state, a.heardTo = m.State, m.HeardTo
	}
	tap := a.room.tap
	if tap == nil {
		return
	}
	if len(m.Events) > 0 {
		tap.Acted(m.Events)
	}
	if len(m.State) > 0 {
		tap.Patient(m.Generation, m.State, m.HeardTo)
	}
}

// say appends a line to those that wait, and begins it when there is no other. The actor is told
// of each line what became of it, also when it cannot be said.
func (a *automatic) say(l part.Line) {
	if len(a.lines) >= maxLines || a.room.stage.name != protocol.PhasePlaying || a.voice == nil ||
		a.paused {
		a.room.log.Warn("a line of the automatic patient is not said", "line", l.ID)
		a.unsaid(l)
		return
	}
	a.lines = append(a.lines, l)
	a.sayNext()
}

// unsaid tells the actor that nothing of a line was said.
func (a *automatic) unsaid(l part.Line) {
	now := time.Now().UnixMicro()
	a.tell(part.Played{Line: l.ID, From: now, To: now, Cut: true})
}

// sayNext begins the next line, unless one is being said.
func (a *automatic) sayNext() {
	if a.saying != nil || len(a.lines) == 0 || a.voice == nil {
		return
	}
	line := a.lines[0]
	a.lines = a.lines[1:]
	ctx, stop := context.WithCancel(a.room.env.ctx)
	u := &utterance{line, stop}
	a.saying = u
	a.caption(store.ParticipantPatient, line.Text, false, false)
	voice := a.voice
	a.room.env.running.Go(func() {
		played, _ := voice.Play(ctx, framesOf(line)) // it ends early when it is stopped
		stop()
		a.room.post(func() { a.said(u, played) })
	})
}

func framesOf(l part.Line) []sfu.Frame {
	frames := make([]sfu.Frame, len(l.Frames))
	for i, payload := range l.Frames {
		frames[i] = sfu.Frame{Payload: payload, Level: l.Levels[i]}
	}
	return frames
}

// said records what was said of a line, and begins the next.
func (a *automatic) said(u *utterance, p sfu.Played) {
	if a.saying == u {
		a.saying = nil
	}
	cut := p.Frames < len(u.line.Frames)
	if len(u.line.Frames) == 0 { // no voice could speak it: it is read
		p.From = time.Now()
		p.To = p.From
	}
	if p.Frames == 0 && len(u.line.Frames) > 0 {
		a.caption(store.ParticipantPatient, "", true, true)
		a.unsaid(u.line)
	} else {
		played := part.Played{
			Line: u.line.ID, From: p.From.UnixMicro(), To: p.To.UnixMicro(), Cut: cut,
		}
		if a.room.tap != nil {
			a.room.tap.Said(u.line, played)
		}
		a.caption(store.ParticipantPatient, u.line.Text, true, cut)
		a.tell(played)
	}
	a.sayNext()
	a.show()
}

// hush ends what the patient is saying, and drops what it was to say.
func (a *automatic) hush() {
	if a.saying != nil {
		a.saying.stop()
	}
	for _, l := range a.lines {
		a.unsaid(l)
	}
	a.lines = nil
}

// caption shows what a speaker says. In exam mode there are no captions.
func (a *automatic) caption(speaker store.ParticipantRole, text string, final, cut bool) {
	if a.practice() {
		a.room.broadcast(protocol.Caption{
			ParticipantID: string(speaker), Text: text, Final: final, Cut: cut,
		})
	}
}
