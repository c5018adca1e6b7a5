package actor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"bedside/speech/chat"
	"bedside/speech/part"
	"bedside/speech/patient"
	"bedside/speech/realtime"
)

// Model plays patients by itself, as far as the script permits. *realtime.Client does.
type Model interface {
	Enabled() bool
	Open(ctx context.Context, scene realtime.Scene) Session
}

// Session is a conversation with a Model; see realtime.Session.
type Session interface {
	Hear(samples []float32)
	Answer(t chat.Turn) Reply
	Said(heard, line string)
	Close()
}

// Reply is what a Model says in a turn; see realtime.Reply.
type Reply interface {
	Next(ctx context.Context) (realtime.Piece, error)
	Cut(frames int)
}

const (
	// firstPiece and piece are how many frames of a reply are sent to the room at once.
	firstPiece = 20
	piece      = 50
	// ahead is how many pieces of a reply wait in the room at most.
	ahead = 3
)

// reply is what the model is saying. It belongs to its actor's goroutine.
type reply struct {
	Reply
	id      string // of its lines, before the number
	script  []patient.Line
	reveals []string // facts that it tells for the first time
	pieces  chan said
	stop    func() // ends the goroutine that gets the pieces
	coming  bool   // there may be more
	stopped bool   // the candidate has interrupted it

	lines  int // that were sent
	over   int // of those, how many are not played any more
	played int // frames that the candidate could hear
	frames []realtime.Frame
	text   string // of the frames that were not sent
	all    strings.Builder
	whole  bool // all of it has come
	cut    bool // a line was not played to its end
}

// said is a piece of a reply, or why there is none.
type said struct {
	realtime.Piece
	err error
}

// listenTo lets the model hear what the candidate says.
func (p *play) listenTo(samples []float32) {
	if p.session != nil {
		p.session.Hear(samples)
	}
}

// improvises reports whether the model may say lines: those that answer, and were not recorded.
func (p *play) improvises(d patient.Decision) bool {
	if p.session == nil || d.Outcome != patient.Answer || len(d.Lines) == 0 {
		return false
	}
	for _, l := range d.Lines {
		if l.Media != "" {
			return false
		}
	}
	return true
}

// improvise lets the model answer instead of the script. Until it says something, the script's
// lines are those that the patient has to say.
func (p *play) improvise(ctx context.Context, d patient.Decision, heard string) {
	p.replies++
	known, hidden := p.dialogue.Facts(p.now.State)
	lines, reveals := d.Lines, d.Reveals
	if r := p.reply; r != nil && r.lines == 0 && len(p.now.Unsaid) > 0 { // not answered yet
		lines, reveals = slices.Concat(p.now.Unsaid, lines), slices.Concat(r.reveals, reveals)
	}
	script := lines[0]
	for _, l := range lines[1:] {
		script.Text += " " + l.Text
	}
	history := p.now.Said
	if n := len(history); n > 0 && !history[n-1].Patient { // the turn that is answered
		history = history[:n-1]
	}
	r := &reply{
		id: fmt.Sprintf("%s~%d.%d.", script.ID, p.call.Generation, p.replies), script: lines,
		reveals: reveals,
		pieces:  make(chan said), coming: true,
		Reply: p.session.Answer(chat.Turn{
			Card: p.scenario.Candidate, Persona: p.dialogue.Persona(), Said: history,
			Heard: heard, Script: script, Known: known, Hidden: hidden,
			Told: p.dialogue.Told(reveals),
		}),
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			piece, err := r.Next(ctx)
			select {
			case r.pieces <- said{piece, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	r.stop = func() {
		cancel()
		<-done
	}
	p.reply = r
}

// coming returns the channel of the pieces of a reply, or nil while none is wanted.
func (p *play) coming() <-chan said {
	if p.reply == nil || !p.reply.coming || len(p.saying) >= ahead {
		return nil
	}
	return p.reply.pieces
}

// speaks reports whether the model is speaking, or about to.
func (p *play) speaks() bool { return p.reply != nil && p.reply.coming }

// take takes a piece of the reply.
func (p *play) take(ctx context.Context, s said) error {
	r := p.reply
	r.frames = append(r.frames, s.Frames...)
	r.text += s.Text
	r.all.WriteString(s.Text)
	enough := piece
	if r.lines == 0 {
		enough = firstPiece
	}
	if s.err == nil {
		if len(r.frames) < enough {
			return nil
		}
		return p.saySo(ctx)
	}
	r.coming = false
	r.stop()
	if errors.Is(s.err, io.EOF) {
		r.whole = true
		if err := p.saySo(ctx); err != nil {
			return err
		}
		p.now.note(chat.Said{Patient: true, Text: strings.TrimSpace(r.all.String())})
		return nil
	}
	p.log.Info("the patient says its script instead of the model's reply", "attempt",
		p.call.Attempt, "why", s.err)
	p.now.Unsaid = r.script // some of it may have been said before
	return p.decide(ctx)
}

// saySo has what came of the reply played.
func (p *play) saySo(ctx context.Context) error {
	r := p.reply
	if len(r.frames) == 0 {
		return nil
	}
	r.lines++
	l := &part.Line{
		ID: fmt.Sprint(r.id, r.lines), Text: strings.TrimSpace(r.text),
		Emotion: string(r.script[0].Emotion),
	}
	for _, f := range r.frames {
		l.Frames = append(l.Frames, f.Payload)
		l.Levels = append(l.Levels, f.Level)
	}
	r.frames, r.text = nil, ""
	p.now.Unsaid = nil
	p.now.Last = &r.script[len(r.script)-1]
	p.saying = append(p.saying, l.ID)
	return p.act(ctx, part.Act{Say: l, Doing: part.Listening})
}

// stopReply ends a reply because the candidate speaks, or the play does not go on. How much of it
// was played is told later, when something was.
func (p *play) stopReply() {
	r := p.reply
	if r == nil || r.stopped {
		return
	}
	if r.coming {
		r.stop()
	}
	r.coming, r.stopped = false, true
	p.cutReply()
}

// heardReply takes note of how much of a line of the reply was played.
func (p *play) heardReply(n part.Played) {
	r := p.reply
	if r == nil || !strings.HasPrefix(n.Line, r.id) {
		return
	}
	r.over++
	r.played += int((n.To - n.From) / 20_000)
	r.cut = r.cut || n.Cut
	if r.stopped {
		p.cutReply()
	}
}

// cutReply tells the model how much was played of a reply that was stopped, when that is known and
// it was not all.
func (p *play) cutReply() {
	if r := p.reply; r.over == r.lines && (r.cut || !r.whole) {
		r.Cut(r.played)
	}
}

// closeReply ends what the model does.
func (p *play) closeReply() {
	p.stopReply()
	if p.session != nil {
		p.session.Close()
	}
}

// scriptSaid tells the model that the script was said.
func (p *play) scriptSaid(line string) {
	if p.session != nil {
		p.session.Said(p.unanswered, line)
		p.unanswered = ""
	}
}

// openSession lets a model play from the beginning, if there is one.
func (p *play) openSession(ctx context.Context) {
	if p.session != nil {
		p.session.Close()
		p.session = nil
	}
	if p.model != nil && p.model.Enabled() {
		p.session = p.model.Open(ctx, realtime.Scene{
			Card: p.scenario.Candidate, Persona: p.dialogue.Persona(),
		})
	}
}
