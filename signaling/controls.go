package signaling

import (
	"time"

	"bedside/signaling/protocol"
	"bedside/speech/part"
	"bedside/store"
)

// toPatient carries out a candidate's message to the automatic patient.
func (r *room) toPatient(p *participant, m protocol.ClientMessage) error {
	a := r.automatic
	if p.seat.join.Role != store.ParticipantCandidate {
		return recoverableError(protocol.CodeWrongState,
			"only the candidate may send "+protocol.TypeOf(m))
	}
	if _, calls := m.(protocol.CallPatient); calls {
		return a.summon()
	}
	if a.seat == nil {
		return recoverableError(protocol.CodeWrongState,
			"no automatic patient plays in this room")
	}
	if r.stage.name != protocol.PhasePlaying {
		return recoverableError(protocol.CodeWrongState,
			"the patient listens only during the play: the room is "+string(r.stage.name))
	}
	now := time.Now().UnixMicro()
	switch m := m.(type) {
	case protocol.Talk:
		a.tell(part.Talk{On: m.On, At: now})
	case protocol.Heard:
		a.tell(r.heard(m))
	case protocol.Typed:
		if !a.practice() {
			return inExamMode("typing")
		}
		a.tell(part.Typed{Text: m.Text, At: now})
	case protocol.Control:
		if !a.practice() {
			return inExamMode("pausing, repeating, hints and starting over")
		}
		a.control(m.Action)
	}
	return nil
}

func inExamMode(what string) error {
	return recoverableError(protocol.CodeWrongState,
		"this role play is in exam mode, as the test, without "+what)
}

// summon makes the automatic patient take the seat that a person has left.
func (a *automatic) summon() error {
	r := a.room
	switch {
	case !a.able:
		return recoverableError(protocol.CodeWrongState,
			"the automatic patient cannot play this scenario")
	case r.stage.name == protocol.PhaseEnded:
		return recoverableError(protocol.CodeWrongState, "the role play has ended")
	case a.seat == nil && r.seats.patient() != patientAbsent:
		return recoverableError(protocol.CodeWrongState,
			"somebody plays the patient; the automatic one may come once they have left")
	}
	a.wanted = true
	a.enter()
	if a.seat == nil {
		return recoverableError(protocol.CodeUnavailable,
			"the automatic patient cannot be called now; try again in a moment")
	}
	return nil
}

// heard returns what a browser has heard, in the times of the media server.
func (r *room) heard(m protocol.Heard) part.Heard {
	h := part.Heard{Final: m.Final}
	began := r.startedAt.UnixMicro()
	for _, w := range m.Words {
		h.Words = append(h.Words, part.Word{
			Text: w.Text, From: began + 1000*w.FromMS, To: began + 1000*w.ToMS,
			Confidence: w.Confidence,
		})
	}
	return h
}

// control carries out what the candidate wants of a practice.
func (a *automatic) control(action protocol.ControlAction) {
	switch pause := action == protocol.ControlPause; {
	case pause == a.paused && (pause || action == protocol.ControlResume):
		return // it is so already
	case pause || action == protocol.ControlResume:
		a.paused = pause
		if pause {
			a.hush()
		}
		a.room.changeStage(func(s *stage, now time.Time) { s.setPaused(pause, now) })
	}
	a.tell(part.Control{Action: part.Action(action), At: time.Now().UnixMicro()})
	a.show()
}
