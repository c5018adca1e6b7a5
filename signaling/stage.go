package signaling

import (
	"time"

	"bedside/signaling/protocol"
)

// stage holds the phases and the clock of a role play. It is a pure state machine: the room asks
// and updates it with the time as an argument. The room's loop owns it.
type stage struct {
	name      protocol.PhaseName
	reason    protocol.PhaseReason
	play      time.Duration // length of the play
	left      time.Duration // remaining time of the phase, at since
	since     time.Time     // when left was set
	running   bool
	candidate bool // is connected
	patient   bool // is in the room
	met       bool // the candidate was connected at least once
	suspended bool // another process continues: nothing changes any more
}

// newStage returns a stage in preparation. Its clock starts when the candidate connects.
func newStage(prepare, play time.Duration, now time.Time) *stage {
	return &stage{name: protocol.PhasePreparing, play: play, left: prepare, since: now}
}

// resumedStage returns the stage of a play that an earlier process began, of which left is left.
func resumedStage(play, left time.Duration, now time.Time) *stage {
	return &stage{
		name: protocol.PhasePlaying, play: play, left: left, since: now,
	}
}

// leftOf returns the remaining time of a phase, which began perhaps by another machine's clock.
func leftOf(length time.Duration, began, now time.Time) time.Duration {
	return min(max(length-now.Sub(began), 0), length)
}

// remaining returns the remaining time of the phase.
func (s *stage) remaining(now time.Time) time.Duration {
	if !s.running {
		return s.left
	}
	return max(s.left-now.Sub(s.since), 0)
}

// deadline returns when tick must be called; false while the clock is stopped.
func (s *stage) deadline() (time.Time, bool) {
	return s.since.Add(s.left), s.running
}

// phase returns the phase in the form of the protocol.
func (s *stage) phase(now time.Time) protocol.Phase {
	return protocol.Phase{
		Name: s.name, RemainingMS: s.remaining(now).Milliseconds(), Running: s.running,
		Reason: s.reason,
	}
}

// setPresence sets whether the candidate's media is connected and whether the patient's role is
// taken.
func (s *stage) setPresence(candidateConnected, patientPresent bool, now time.Time) {
	s.candidate, s.patient = candidateConnected, patientPresent
	s.met = s.met || candidateConnected
	s.updateClock(now)
}

// start begins the play. It does nothing and returns false in any phase other than preparation,
// and once suspended.
func (s *stage) start(now time.Time) bool {
	if s.name != protocol.PhasePreparing || s.suspended {
		return false
	}
	s.name, s.left, s.running = protocol.PhasePlaying, s.play, false
	s.since = now
	s.updateClock(now)
	return true
}

// end ends the role play. It does nothing and returns false if it has ended before or is
// suspended.
func (s *stage) end(reason protocol.PhaseReason, now time.Time) bool {
	if s.name == protocol.PhaseEnded || s.suspended {
		return false
	}
	s.name, s.left, s.running, s.since, s.reason = protocol.PhaseEnded, 0, false, now, reason
	return true
}

// suspend stops the clock for good: another process continues the role play with what is left, and
// clients repeat there what they asked for meanwhile. It does nothing after the end.
func (s *stage) suspend(now time.Time) {
	if s.name == protocol.PhaseEnded {
		return
	}
	s.left, s.since = s.remaining(now), now
	s.running, s.reason, s.suspended = false, protocol.ReasonMoving, true
}

// tick changes the phase when its time is up.
func (s *stage) tick(now time.Time) {
	if s.remaining(now) > 0 || s.name == protocol.PhaseEnded {
		return
	}
	s.left, s.since = 0, now
	switch {
	case s.name == protocol.PhasePlaying && s.running:
		s.end(protocol.ReasonTime, now)
	case s.name == protocol.PhasePreparing:
		s.updateClock(now)
	}
}

// updateClock starts or stops the clock, and sets the reason why it is stopped.
func (s *stage) updateClock(now time.Time) {
	if s.name == protocol.PhaseEnded || s.suspended {
		return
	}
	s.left, s.since = s.remaining(now), now
	s.reason = ""
	switch {
	case !s.candidate:
		s.running = false
		if s.met {
			s.reason = protocol.ReasonCandidateAway
		}
	case s.name == protocol.PhasePreparing && s.left == 0 && !s.patient:
		s.running, s.reason = false, protocol.ReasonWaitingPatient
	case s.name == protocol.PhasePreparing && s.left == 0:
		s.running = false
		s.start(now)
	default:
		s.running = true
	}
}
