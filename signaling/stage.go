package signaling

import (
	"time"

	"bedside/signaling/protocol"
)

// stage is the clock of a role play: a pure state machine that its room asks and tells, with the
// time as an argument. It belongs to the room's loop.
type stage struct {
	name      protocol.PhaseName
	reason    protocol.PhaseReason
	play      time.Duration // length of the play
	left      time.Duration // of the phase, at since
	since     time.Time     // when left was true
	running   bool
	candidate bool // is connected
	patient   bool // is in the room
	met       bool // the candidate has been connected at least once
}

// newStage begins in preparation, with the clock standing until the candidate comes.
func newStage(prepare, play time.Duration, now time.Time) *stage {
	return &stage{name: protocol.PhasePreparing, play: play, left: prepare, since: now}
}

// resumedStage goes on with a play that began before this process did.
func resumedStage(play time.Duration, startedAt, now time.Time) *stage {
	return &stage{
		name: protocol.PhasePlaying, play: play, left: leftOf(play, startedAt, now), since: now,
	}
}

// leftOf a phase that began at some time, perhaps by another machine's clock.
func leftOf(length time.Duration, began, now time.Time) time.Duration {
	return min(max(length-now.Sub(began), 0), length)
}

// remaining time of the phase.
func (s *stage) remaining(now time.Time) time.Duration {
	if !s.running {
		return s.left
	}
	return max(s.left-now.Sub(s.since), 0)
}

// deadline is when tick must be called; none while the clock stands.
func (s *stage) deadline() (time.Time, bool) {
	return s.since.Add(s.left), s.running
}

// phase as the protocol tells it.
func (s *stage) phase(now time.Time) protocol.Phase {
	return protocol.Phase{
		Name: s.name, RemainingMS: s.remaining(now).Milliseconds(), Running: s.running,
		Reason: s.reason,
	}
}

// candidateIs tells whether the candidate is connected.
func (s *stage) candidateIs(connected bool, now time.Time) {
	s.candidate = connected
	s.met = s.met || connected
	s.settle(now)
}

// patientIs tells whether somebody plays the patient.
func (s *stage) patientIs(present bool, now time.Time) {
	s.patient = present
	s.settle(now)
}

// start begins the play; false in any other phase than preparation.
func (s *stage) start(now time.Time) bool {
	if s.name != protocol.PhasePreparing {
		return false
	}
	s.name, s.left, s.running = protocol.PhasePlaying, s.play, false
	s.since = now
	s.settle(now)
	return true
}

// end ends the role play; false when it has ended before.
func (s *stage) end(reason protocol.PhaseReason, now time.Time) bool {
	if s.name == protocol.PhaseEnded {
		return false
	}
	s.name, s.left, s.running, s.since, s.reason = protocol.PhaseEnded, 0, false, now, reason
	return true
}

// tick moves on when the time of a phase is up.
func (s *stage) tick(now time.Time) {
	if s.remaining(now) > 0 || s.name == protocol.PhaseEnded {
		return
	}
	s.left, s.since = 0, now
	switch {
	case s.name == protocol.PhasePlaying && s.running:
		s.end(protocol.ReasonTime, now)
	case s.name == protocol.PhasePreparing:
		s.settle(now)
	}
}

// settle runs or stops the clock, and says why it stands.
func (s *stage) settle(now time.Time) {
	if s.name == protocol.PhaseEnded {
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
