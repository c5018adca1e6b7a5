package signaling

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/speech/part"
	"bedside/store"
	"bedside/store/wait"
)

const (
	// callEvery is the time between two calls for an actor.
	callEvery = time.Second
	// firstSign is how long a confirmed actor may take to say that it is there.
	firstSign = 3 * time.Second
	// nextSign is how long an actor may be silent before another one is called.
	nextSign = 1500 * time.Millisecond
	// standAfter is how long the play goes on while an actor is replaced. What the candidate says
	// meanwhile, the next one hears from the log. After that the clock stands.
	standAfter = 5 * time.Second
	// generationBits are the bits of a generation that count the actors of one lease. The others
	// are the lease's fence, so that no generation of an attempt comes twice.
	generationBits = 12
	maxFence       = 1<<17 - 1
)

// automatic is the automatic patient of a room: its seat, its voice, and the actor that listens
// and decides what it says. The room's loop owns it. Its other half is in acts.go.
type automatic struct {
	room *room
	call part.Call // what all calls for an actor have in common
	name string    // of the patient
	able bool      // the scenario has a dialogue
	// wanted says that the automatic patient plays, unless a person has the seat.
	wanted bool

	seat     *seat     // nil: not in the room
	voice    voice     // nil until the media room has it
	stopHear func()    // from actors
	actor    *actor    // the latest one, confirmed or called; nil without a seat
	calls    int       // of this room
	since    time.Time // when an actor was missing
	awayAt   time.Time // when the seat counts as lost, while an actor is replaced
	paused   bool      // by the candidate

	state   json.RawMessage // the last snapshot
	heardTo int64           // the audio that is in it

	lines  []part.Line // to be said
	saying *utterance  // being said; nil: nothing
	doing  part.Doing
	shown  protocol.Patient // what clients know
	place  int              // in the queue
	queued bool             // no actor was free
	mood   string
	typing bool // offered
	ears   string
}

// actor is one generation of an attempt's actors.
type actor struct {
	generation int
	stop       context.CancelFunc // ends the calls for it
	teller     *teller
	confirmed  bool
	ready      bool
	aliveBy    time.Time // when its next sign of life is due; once confirmed
	acts       int       // the number of its last act
}

// newAutomatic returns the automatic patient of an attempt, which is not in the room yet.
func newAutomatic(r *room, a store.Attempt, sc store.Scenario, last PatientState) *automatic {
	name, _, _ := strings.Cut(sc.Patient.Name, ",")
	return &automatic{
		room: r, name: name, able: sc.HasDialogue(),
		wanted: a.Patient == store.PatientAutomatic && sc.HasDialogue(),
		call: part.Call{
			Attempt: a.ID, Scenario: a.ScenarioID, Version: a.ScenarioVersion, Mode: a.Mode,
			Candidate: a.CandidateID,
		},
		state: last.State, heardTo: last.HeardTo,
		shown: protocol.Patient{State: protocol.PatientAbsent},
	}
}

// practice reports whether the candidate may pause, ask for hints and read captions.
func (a *automatic) practice() bool { return a.call.Mode == store.ModePractice }

// enter takes the patient's seat, if it is wanted and vacant, and calls an actor.
func (a *automatic) enter() {
	r := a.room
	if !a.wanted || a.seat != nil || r.seats.patient() != patientAbsent || r.closing || r.lost ||
		r.stage.name == protocol.PhaseEnded || !r.seats.candidatePresent() {
		return
	}
	stop, err := r.env.patients.ListenToActor(r.id, a.receive,
		func(m part.Alive) { r.post(func() { a.sign(m) }) })
	if err != nil {
		r.log.Error("no automatic patient comes: nobody can be called", "error", err)
		return
	}
	a.stopHear = stop
	a.seat = &seat{
		id: string(store.ParticipantPatient), automatic: true,
		join: store.Join{Name: a.name, Role: store.ParticipantPatient},
	}
	a.queued, a.place, a.doing, a.typing, a.lines = false, 0, part.Listening, false, nil
	a.awayAt = time.Time{}
	a.since = time.Now()
	r.seats.occupy(a.seat)
	r.broadcast(protocol.PeerJoined{Peer: a.seat.peer()})
	a.openVoice()
	a.callActor()
	a.listenClosely()
	a.show()
}

// openVoice publishes the patient's track, if that has not succeeded before.
func (a *automatic) openVoice() {
	if a.voice != nil {
		return
	}
	v, err := a.room.media.AddSource(a.seat.id)
	if err != nil { // a person's media may still be leaving
		a.room.log.Warn("the automatic patient has no voice yet", "error", err)
		return
	}
	a.voice = v
}

// listenClosely makes the audio reach the actor at once.
func (a *automatic) listenClosely() {
	if a.room.tap != nil {
		a.room.tap.Live(a.seat != nil)
	}
}

// leave gives up the seat, for a person, or because the role play is over. The snapshot stays.
func (a *automatic) leave(reason string) {
	if a.seat == nil {
		return
	}
	r, left := a.room, a.seat
	a.hush()
	if a.voice != nil {
		a.voice.Close()
	}
	a.stopHear()
	a.actor.stop()
	if a.actor.confirmed {
		a.actor.teller.tell(part.Ended{Reason: reason})
	}
	a.actor.teller.finish()
	a.seat, a.voice, a.stopHear, a.actor = nil, nil, nil, nil
	if a.paused {
		a.paused = false
		r.changeStage(func(s *stage, now time.Time) { s.setPaused(false, now) })
	}
	a.listenClosely()
	if r.seats.release(left) { // a person may have it already
		r.broadcast(protocol.PeerLeft{ParticipantID: left.id, Reason: reason})
		if !r.lost {
			r.applySeats()
		}
	}
	a.show()
}

// callActor calls the next generation's actor.
func (a *automatic) callActor() {
	r := a.room
	a.calls++
	r.env.metrics.actorCalls.Inc()
	ctx, stop := context.WithCancel(r.env.ctx)
	x := &actor{
		generation: int(r.fence&maxFence)<<generationBits + a.calls, stop: stop,
	}
	x.teller = newTeller(x.generation, func(ctx context.Context, t part.Told) (part.Reply, error) {
		return r.env.patients.TellActor(ctx, r.id, t)
	}, r.log)
	a.actor = x
	call := a.call
	call.Generation, call.Since = x.generation, a.since.UnixMicro()
	r.env.running.Go(func() { a.findActor(ctx, x, call) })
}

// findActor calls until a worker has taken the call, or ctx ends. It runs in a goroutine of its
// own.
func (a *automatic) findActor(ctx context.Context, x *actor, call part.Call) {
	r := a.room
	for {
		if r.call(func() error { a.updateCall(&call); return nil }) != nil {
			return
		}
		worker, place, err := r.env.patients.CallActor(ctx, call)
		if err == nil && worker != "" {
			taken, err := r.env.patients.ConfirmActor(ctx, part.Confirm{
				Attempt: r.id, Generation: x.generation, Worker: worker,
			})
			if taken {
				if !r.post(func() { a.confirmActor(x, worker) }) {
					x.stop()
				}
			} else { // it may act all the same, so that its generation is used up
				r.log.Warn("a worker did not confirm its actor", "worker", worker, "error", err)
				if wait.For(ctx, callEvery) == nil {
					r.post(func() { a.callAgain(x) })
				}
			}
			return
		}
		r.post(func() { a.waitForActor(x, place, err) })
		if wait.For(ctx, callEvery) != nil {
			return
		}
	}
}

// callAgain calls the next generation, unless another one was called meanwhile.
func (a *automatic) callAgain(x *actor) {
	if x == a.actor {
		x.stop()
		a.callActor()
	}
}

// updateCall sets what changes from call to call.
func (a *automatic) updateCall(c *part.Call) {
	r := a.room
	c.State, c.HeardTo, c.Saying = a.state, a.heardTo, ""
	if a.saying != nil {
		c.Saying = a.saying.line.ID
	}
	if r.stage.name == protocol.PhasePlaying {
		clock := r.playClock(time.Now())
		c.StartedAt, c.Clock = clock.StartedAt, &clock
	}
}

// confirmActor records that a worker has begun to act. What it was not told yet, it is told now.
func (a *automatic) confirmActor(x *actor, worker string) {
	r := a.room
	r.log.Info("an actor plays the patient", "worker", worker, "generation", x.generation)
	x.confirmed = true
	if x.aliveBy.IsZero() {
		x.aliveBy = time.Now().Add(firstSign)
	}
	r.env.running.Go(func() { x.teller.run(r.env.ctx) })
	if x != a.actor { // the seat was given up meanwhile
		x.teller.tell(part.Ended{Reason: "not needed"})
		x.teller.finish()
		return
	}
	a.show()
}

// waitForActor records that no worker has taken a call.
func (a *automatic) waitForActor(x *actor, place int, err error) {
	if x != a.actor {
		return
	}
	if err != nil && !a.queued {
		a.room.log.Warn("no actor answers", "error", err)
	}
	a.queued, a.place = true, place
	a.show()
}

// sign handles an actor's sign of life.
func (a *automatic) sign(m part.Alive) {
	x := a.actor
	if x == nil || m.Generation != x.generation {
		return
	}
	if m.Gone {
		a.replaceActor("it says that it ends: " + m.Why)
		return
	}
	x.aliveBy = time.Now().Add(nextSign)
	a.openVoice()
	if m.Recogniser != "" {
		a.ears = m.Recogniser
	}
	if m.Ready && !x.ready {
		x.ready, a.awayAt = true, time.Time{}
		a.setConnected(true)
	}
	a.show()
}

// setConnected records whether an actor plays. While none does for long, the clock stands.
func (a *automatic) setConnected(connected bool) {
	r := a.room
	if !r.seats.setConnected(a.seat, connected) {
		return
	}
	r.broadcast(protocol.PeerUpdated{Peer: a.seat.peer()})
	r.applySeats()
	r.publishPresence(time.Now())
}

// deadline returns when tick must be called; false if that is not necessary.
func (a *automatic) deadline() (at time.Time, ok bool) {
	if a.actor == nil {
		return time.Time{}, false
	}
	at = a.actor.aliveBy
	if at.IsZero() || !a.awayAt.IsZero() && a.awayAt.Before(at) {
		at = a.awayAt
	}
	return at, !at.IsZero()
}

// tick replaces an actor that has been silent for too long, and lets the clock stand when no other
// has come in time.
func (a *automatic) tick(now time.Time) {
	if a.actor == nil {
		return
	}
	if at := a.actor.aliveBy; !at.IsZero() && !now.Before(at) {
		a.replaceActor("it is silent")
	}
	if !a.awayAt.IsZero() && !now.Before(a.awayAt) {
		a.awayAt = time.Time{}
		a.setConnected(false)
	}
}

// replaceActor calls another actor, which goes on from the last snapshot. What the patient is
// saying goes on.
func (a *automatic) replaceActor(why string) {
	r, old := a.room, a.actor
	r.log.Warn("another actor is called to play the patient", "why", why, "generation",
		old.generation)
	r.env.metrics.actorsReplaced.Inc()
	old.stop()
	old.teller.stop()
	a.queued, a.place, a.doing, a.since = false, 0, part.Listening, time.Now()
	if a.seat.connected && a.awayAt.IsZero() {
		a.awayAt = a.since.Add(standAfter)
	}
	a.callActor()
	a.show()
}

// show tells the clients the patient's state, if that has changed.
func (a *automatic) show() {
	if now := a.view(); now != a.shown {
		a.shown = now
		a.room.broadcast(now)
	}
}

// view returns the patient's state as clients see it.
func (a *automatic) view() protocol.Patient {
	if a.seat == nil {
		return protocol.Patient{State: protocol.PatientAbsent}
	}
	v := protocol.Patient{
		State: protocol.PatientListening, Mood: a.mood, OfferTyping: a.typing, Recogniser: a.ears,
	}
	switch x := a.actor; {
	case a.paused:
		v.State = protocol.PatientPaused
	case !x.ready && !x.confirmed && a.queued:
		v.State, v.Place = protocol.PatientQueued, a.place
	case !x.ready:
		v.State = protocol.PatientJoining
	case a.saying != nil && !a.saying.line.Aside:
		v.State = protocol.PatientSpeaking
	case a.doing == part.Thinking:
		v.State = protocol.PatientThinking
	case a.doing == part.Paused:
		v.State = protocol.PatientPaused
	}
	return v
}

// welcome tells a participant, who has come or come back, the patient's state.
func (a *automatic) welcome(p *participant) {
	if a.wanted {
		p.push(a.shown)
	}
}

// tell tells the actor something. Without an actor, the next one learns it from its call.
func (a *automatic) tell(n part.Notice) {
	if a.actor != nil {
		a.actor.teller.tell(n)
	}
}

// tellClock tells the actor the play's clock, which has started or stopped.
func (a *automatic) tellClock(now time.Time) {
	if a.actor != nil && a.room.stage.name == protocol.PhasePlaying {
		a.tell(a.room.playClock(now))
	}
}

// playClock returns the play's clock as actors are told it.
func (r *room) playClock(now time.Time) part.Clock {
	return part.Clock{
		At: now.UnixMicro(), StartedAt: r.startedAt.UnixMicro(),
		Played:  max(r.stage.play-r.stage.remaining(now), 0).Microseconds(),
		Running: r.stage.running,
	}
}

// PatientState is the last snapshot of an automatic patient.
type PatientState struct {
	State   json.RawMessage // nil: none
	HeardTo int64           // the audio before it is in the state; in microseconds since 1970
}

// voice is the media side of an automatic patient: an sfu.Source, or a fake.
type voice interface {
	Play(ctx context.Context, clip []sfu.Frame) (sfu.Played, error)
	Close()
}

// receive handles an act. It runs on a goroutine of the bus and waits for the room's loop.
func (a *automatic) receive(m part.Act) part.Reply {
	var reply part.Reply
	err := a.room.call(func() error { reply = a.act(m); return nil })
	return part.Reply{Stale: reply.Stale || errors.Is(err, errRoomGone)}
}
