package actor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"bedside/speech/asr"
	"bedside/speech/chat"
	"bedside/speech/event"
	"bedside/speech/frame"
	"bedside/speech/opus"
	"bedside/speech/part"
	"bedside/speech/patient"
	"bedside/store"
)

const (
	// tickEvery is how often an actor looks at the time while no audio comes.
	tickEvery = 40 * time.Millisecond
	// quietAfter is how long no audio must have come before that counts as silence. Audio is 40
	// to 60 ms old when it arrives, more when packets are lost.
	quietAfter = 200 * time.Millisecond
	// captionEvery is how often the words so far are shown, in seconds.
	captionEvery = 0.25
	// skipBefore is how much of the audio that was heard before is decoded again, in seconds,
	// so that the decoder is in step.
	skipBefore = 0.2
	// catchUp is how long an actor reads what was logged before it came, at most, before it takes
	// silence for silence.
	catchUp = 2 * time.Second
	// askEvery is how long an actor hears nothing of its room before it asks whether it is still
	// needed, and answerWithin how long it waits for an answer to anything.
	askEvery     = 15 * time.Second
	answerWithin = 30 * time.Second
)

// errStale ends an actor that another one has replaced.
var errStale = errors.New("another actor plays the patient")

// errGone ends an actor whose room does not answer.
var errGone = errors.New("the room does not answer")

// errEnded ends an actor whose room needs none any more.
var errEnded = errors.New("the room has ended the part")

// play is one actor's work. All its fields belong to its goroutine.
type play struct {
	call     part.Call
	clock    func() time.Time
	link     Link
	voices   Voices
	chat     *chat.Patient
	log      *slog.Logger
	metrics  *metrics
	dialogue *patient.Dialogue
	scenario store.Scenario
	ear      *ear
	decoder  *opus.Decoder
	choice   asr.Choice // what hears

	number    int // of the last act
	told      int // number of the last notice
	now       snapshot
	heardTo   int64
	startedAt int64 // of the time line, in microseconds since 1970; 0: not begun
	time      part.Clock
	paused    bool
	stoppedAt int64      // when the clock stopped; 0: it runs, or that is not known
	stood     [][2]int64 // from when to when it stood
	saying    []string   // ids of lines that the room plays or is going to play
	mood      part.Mood
	events    []event.Event // for the next act

	model      Model   // may be nil
	session    Session // with a model that plays the patient; nil: there is none
	reply      *reply  // the model's last one
	replies    int
	unanswered string // what the candidate has said and the model was not asked to answer

	assembler *opus.Assembler
	rest      []float32 // decoded, less than a frame
	position  float64   // the end of what was decoded, on the time line
	lastAudio time.Time
	lag       int64 // of the least delayed audio: this process's clock less the media server's
	lagKnown  bool
	// behind says that the actor reads what was logged before it came. Until is when that ends
	// though nothing comes.
	behind      bool
	behindUntil time.Time
	answeredAt  time.Time // when the room last answered or told something

	captioned float64
	caption   string
}

// run plays until the room ends the part, another actor has it, or ctx ends.
func (p *play) run(ctx context.Context, told <-chan part.Told, theatre Theatre) error {
	audio := make(chan frame.Delivery, 64)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	stop := func() {}
	defer func() { stop() }()
	defer p.closeReply()
	p.answeredAt = p.clock()
	p.behindUntil = p.answeredAt.Add(catchUp)
	for {
		if p.startedAt != 0 && p.assembler == nil {
			p.assembler = opus.NewAssembler(time.UnixMicro(p.startedAt))
			p.position = 0
			var err error
			if stop, err = p.follow(ctx, theatre, audio); err != nil {
				return err
			}
		}
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case t := <-told:
			p.answeredAt = p.clock()
			err = p.notice(ctx, t)
		case d := <-audio:
			err = p.deliver(ctx, d)
		case s := <-p.coming():
			err = p.take(ctx, s)
		case <-tick.C:
			err = p.tick(ctx, len(audio) == 0)
		}
		if err != nil {
			return err
		}
	}
}

// follow reads the attempt's log into a channel until stop is called.
func (p *play) follow(ctx context.Context, theatre Theatre, into chan<- frame.Delivery) (
	stop func(), err error) {
	log, err := theatre.Follow(p.call.Attempt)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer log.Close()
		for {
			d, err := log.Next(ctx)
			if err != nil || d.End {
				return
			}
			if d.Speaker != string(store.SpeakerCandidate) {
				continue
			}
			select {
			case into <- d:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}, nil
}

// seconds converts a time in microseconds to seconds of the time line.
func (p *play) seconds(at int64) float64 { return float64(at-p.startedAt) / 1e6 }

// micros is the reverse of seconds.
func (p *play) micros(at float64) int64 { return p.startedAt + int64(at*1e6) }

// played returns how much of the play, in seconds, had passed at a time of the time line.
func (p *play) played(at float64) float64 {
	passed := float64(p.time.Played) / 1e6
	if p.time.Running {
		passed += max(0, at-p.seconds(p.time.At))
	}
	return passed
}

// listens reports whether what the candidate says counts.
func (p *play) listens() bool { return p.startedAt != 0 && p.time.Running && !p.paused }

// deliver takes a message of the log.
func (p *play) deliver(ctx context.Context, d frame.Delivery) error {
	p.lastAudio = p.clock()
	for _, f := range d.Batch.Frames {
		if lag := p.lastAudio.UnixMicro() - f.Arrival; !p.lagKnown || lag < p.lag {
			p.lag, p.lagKnown = lag, true
		}
		p.behind = p.behind && f.Arrival < p.call.Clock.At
		for _, packet := range p.assembler.Push(f) {
			if err := p.packet(ctx, packet); err != nil {
				return err
			}
		}
	}
	return p.decide(ctx)
}

// packet decodes a packet, and lets the ear hear what has not been heard before.
func (p *play) packet(ctx context.Context, packet opus.Packet) error {
	end := float64(packet.Start+int64(packet.Samples)) / opus.ClockRate
	if p.heardTo != 0 && end < p.seconds(p.heardTo)-skipBefore {
		p.position = end
		return nil
	}
	samples := p.decoder.Decode(packet)
	if len(samples) > 0 { // those of the packet before
		p.position = float64(packet.Start) / opus.ClockRate
	}
	if p.position <= p.seconds(p.heardTo) || p.paused || p.stands(p.micros(p.position)) {
		p.rest = p.rest[:0]
		return nil
	}
	p.rest = append(p.rest, samples...)
	for len(p.rest) >= asr.SoundFrame {
		heard := slices.Clone(p.rest[:asr.SoundFrame])
		p.rest = append(p.rest[:0], p.rest[asr.SoundFrame:]...)
		at := p.position - float64(len(p.rest))/asr.SampleRate
		if err := p.ear.hear(heard, at); err != nil {
			return err
		}
		p.listenTo(heard)
	}
	return p.attend(ctx)
}

// stands reports whether the clock stood at a time.
func (p *play) stands(at int64) bool {
	if !p.time.Running && (p.stoppedAt == 0 || at > p.stoppedAt) {
		return true
	}
	return slices.ContainsFunc(p.stood, func(s [2]int64) bool { return at > s[0] && at <= s[1] })
}

// attend does what cannot wait until the end of the turn: it lets the candidate interrupt, and
// shows what was heard so far.
func (p *play) attend(ctx context.Context) error {
	if p.speaks() && p.reply.lines == 0 && p.ear.interrupts() {
		p.stopReply() // the script answers when the candidate has said it all
	}
	if len(p.saying) > 0 && p.ear.interrupts() {
		p.stopReply()
		p.saying = nil
		p.now.Unsaid = nil
		p.metrics.turns.WithLabelValues("interrupted").Inc()
		return p.act(ctx, part.Act{StopSaying: true, Doing: part.Listening})
	}
	if !p.ear.open || p.ear.at-p.captioned < captionEvery {
		return nil
	}
	text := join(texts(p.ear.words))
	if text == p.caption {
		return nil
	}
	p.captioned, p.caption = p.ear.at, text
	return p.act(ctx, part.Act{Caption: &part.Caption{Text: lastOf(text, part.MaxText)}})
}

// tick looks at the time. idle says that no audio waits.
func (p *play) tick(ctx context.Context, idle bool) error {
	now := p.clock()
	if now.Sub(p.answeredAt) >= askEvery {
		if err := p.act(ctx, part.Act{}); err != nil { // does the room still need an actor?
			return err
		}
	}
	if p.behind = p.behind && now.Before(p.behindUntil); p.behind {
		return nil
	}
	if !p.listens() || !idle || now.Sub(p.lastAudio) < quietAfter {
		return nil
	}
	p.ear.silent(p.seconds(now.UnixMicro() - p.lag))
	return p.decide(ctx)
}

// decide answers when the candidate's turn is over, or says what the patient says by itself.
func (p *play) decide(ctx context.Context) error {
	switch {
	case !p.listens():
		return nil
	case p.ear.over():
		return p.answer(ctx)
	case p.ear.open, len(p.saying) > 0, p.ear.held, p.speaks(), p.behind:
		return nil
	case len(p.now.Unsaid) > 0:
		return p.say(ctx, part.Act{})
	}
	at := p.ear.at
	d, ok := p.dialogue.Wait(p.now.State, p.played(at))
	if !ok {
		return nil
	}
	p.heardTo = max(p.heardTo, p.micros(p.ear.audioAt))
	return p.perform(ctx, at, d, nil)
}

// answer takes the candidate's turn.
func (p *play) answer(ctx context.Context) error {
	over := p.clock()
	talking := len(p.saying) > 0 && !p.ear.interrupts()
	turn, err := p.ear.end()
	if err != nil {
		return err
	}
	p.heardTo = max(p.heardTo, p.micros(p.ear.audioAt))
	p.caption = ""
	if len(turn.Words) == 0 {
		return nil
	}
	p.record(turn.Words, false)
	caption := &part.Caption{Text: lastOf(join(texts(turn.Words)), part.MaxText), Final: true}
	if talking { // only to show that the candidate listens
		return p.act(ctx, part.Act{Caption: caption})
	}
	err = p.hear(ctx, turn, caption)
	p.metrics.latency.Observe(p.clock().Sub(over).Seconds())
	return err
}

// record adds the words of a turn to the events of the next act.
func (p *play) record(words []asr.Word, typed bool) {
	hears := p.choice.Name
	if typed {
		hears = "typed"
	}
	for some := range slices.Chunk(words, maxWords) {
		e := event.Words{
			Speaker: string(store.SpeakerCandidate), Recogniser: hears, Typed: typed,
		}
		for _, w := range some {
			e.Words = append(e.Words, event.Word{
				Text: w.Text, From: p.micros(w.From), To: p.micros(w.To),
				Confidence: min(max(w.Confidence, 0), 1),
			})
		}
		p.events = append(p.events, e)
	}
}

// maxWords is how many words are recorded in one event, so that the events of a long turn fit into
// their acts.
const maxWords = 200

// hear decides what the patient answers to a turn, and says it.
func (p *play) hear(ctx context.Context, turn heard, caption *part.Caption) error {
	text := join(texts(turn.Words))
	p.stopReply()
	p.unanswered = text
	p.now.note(chat.Said{Text: text})
	d := p.dialogue.Hear(p.now.State, patient.Utterance{
		From: p.played(turn.From), To: p.played(turn.To), Best: turn.Best,
		Sure: asr.Result{Words: turn.Words}.Sure(),
	}, patient.DefaultThresholds())
	p.metrics.turns.WithLabelValues(string(d.Outcome)).Inc()
	at := p.ear.at
	p.events = append(p.events, heardEvent(p.micros(at), d))
	if p.improvises(d) {
		p.unanswered = ""
		p.improvise(ctx, d, text)
		return p.perform(ctx, at, d, caption)
	}
	if d.Outcome == patient.Answer && p.chat.Enabled() && len(d.Lines) > 0 {
		thinking := part.Act{Caption: caption, Doing: part.Thinking}
		if err := p.act(ctx, thinking); err != nil {
			return err
		}
		caption = nil
		d.Lines = p.word(ctx, d, text)
	}
	return p.perform(ctx, at, d, caption)
}

// word lets the chat API word the lines of an answer, except recordings.
func (p *play) word(ctx context.Context, d patient.Decision, text string) []patient.Line {
	known, hidden := p.dialogue.Facts(p.now.State)
	lines := slices.Clone(d.Lines)
	for i, l := range lines {
		if l.Media != "" {
			continue
		}
		lines[i] = p.chat.Word(ctx, chat.Turn{
			Card: p.scenario.Candidate, Persona: p.dialogue.Persona(), Said: p.now.Said,
			Heard: text, Script: l, Known: known, Hidden: hidden, Told: p.dialogue.Told(d.Reveals),
		})
	}
	return lines
}

// perform does what was decided at a time. caption is what was heard before, nil for nothing.
func (p *play) perform(ctx context.Context, at float64, d patient.Decision,
	caption *part.Caption) error {
	now := p.micros(at)
	for _, id := range d.Reveals {
		p.events = append(p.events, event.Fact{At: now, ID: id})
	}
	for _, id := range d.Cues {
		p.events = append(p.events, event.Cue{At: now, ID: id})
	}
	p.now.Unsaid = append(p.now.Unsaid, d.Lines...)
	a := part.Act{Caption: caption, OfferTyping: d.Offer, Doing: part.Listening}
	if p.speaks() {
		a.Doing = part.Thinking
	}
	if m := moodOf(p.now.State); !sameMood(m, p.mood) {
		p.mood, a.Mood = m, &m
		p.events = append(p.events, event.Mood{
			At: now, Emotion: m.Emotion, Trust: m.Trust, Anxiety: m.Anxiety,
		})
	}
	return p.say(ctx, a)
}

// say sends an act for each line that is to be said. The first one also does what a says.
func (p *play) say(ctx context.Context, a part.Act) error {
	for len(p.now.Unsaid) > 0 && !p.speaks() {
		l := p.now.Unsaid[0]
		p.now.Unsaid = p.now.Unsaid[1:]
		p.now.Last = &l
		p.now.note(chat.Said{Patient: true, Text: l.Text})
		p.scriptSaid(l.Text)
		a.Say = p.speak(ctx, l)
		p.saying = append(p.saying, a.Say.ID)
		if err := p.act(ctx, a); err != nil {
			return err
		}
		a = part.Act{}
	}
	if isNothing(a) && len(p.events) == 0 {
		return nil
	}
	return p.act(ctx, a)
}

// isNothing reports whether an act would do nothing that the room does not know.
func isNothing(a part.Act) bool {
	return a.Say == nil && a.Caption == nil && a.Mood == nil && !a.OfferTyping && !a.StopSaying &&
		a.Hint == "" && a.Doing == ""
}

// speak returns a line as it is played. When no voice can speak it, it is only shown.
func (p *play) speak(ctx context.Context, l patient.Line) *part.Line {
	out := &part.Line{
		// The same line may be said twice running, and be stopped the first time.
		ID:   fmt.Sprintf("%s~%d.s%d.0", l.ID, p.call.Generation, p.number),
		Text: l.Text, Emotion: string(l.Emotion),
	}
	clip, err := p.voices.Line(ctx, l, p.dialogue.Persona().Voice)
	if err != nil {
		if ctx.Err() == nil {
			p.log.Error("the patient has no voice", "attempt", p.call.Attempt, "error", err)
		}
		return out
	}
	for _, f := range clip.Frames[:min(len(clip.Frames), part.MaxFrames)] {
		out.Frames = append(out.Frames, f.Payload)
		out.Levels = append(out.Levels, f.Level)
	}
	return out
}

// act sends an act with the events and the snapshot of now. It returns errStale when another actor
// plays the patient.
func (p *play) act(ctx context.Context, a part.Act) error {
	batch, rest, err := pack(p.events)
	if err != nil {
		return err
	}
	if p.events = rest; len(rest) > 0 {
		if err := p.send(ctx, part.Act{Events: batch}); err != nil {
			return err
		}
		return p.act(ctx, a)
	}
	a.Events = batch
	return p.send(ctx, a)
}

// pack returns the first events as an act has them, and those that do not fit.
func pack(events []event.Event) (batch []byte, rest []event.Event, err error) {
	for n := len(events); n > 0; n /= 2 {
		batch, err = event.Append(nil, events[:n])
		if err != nil || len(batch) <= part.MaxEvents || n == 1 {
			return batch, events[n:], err
		}
	}
	return nil, nil, nil
}

// send sends one act with the snapshot of now.
func (p *play) send(ctx context.Context, a part.Act) error {
	p.number++
	a.Generation, a.Number = p.call.Generation, p.number
	state, err := p.now.marshal()
	if err != nil {
		return err
	}
	a.State, a.HeardTo = state, p.heardTo
	ctx, cancel := context.WithTimeoutCause(ctx, answerWithin, errGone)
	defer cancel()
	r, err := p.link.Act(ctx, a)
	if err != nil {
		return fmt.Errorf("act: %w", err)
	}
	p.answeredAt = p.clock()
	if r.Stale {
		return errStale
	}
	return nil
}
