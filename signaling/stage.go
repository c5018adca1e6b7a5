package signaling

import (
	"time"

	"bedside/signaling/protocol"
	"bedside/store"
)

// stage holds the phases and the clock of a role play. It is a pure state machine: the room asks
// and updates it with the time as an argument. The room's loop owns it.
type stage struct {
	name      protocol.PhaseName
	reason    protocol.PhaseReason
	play      time.Duration // length of the play
	left      time.Duration // remaining time of the phase, at since
	stood     time.Duration // how long the play has stood for who was away, or paused, at since
	mayStand  time.Duration // the play ends when it has stood for so long
	since     time.Time     // when left and stood were set
	running   bool
	candidate bool         // is connected
	patient   patientState // of the patient's role
	partner   bool         // somebody has played the patient in this play
	met       bool         // the candidate was connected at least once
	strict    bool         // the clock of the preparation does not stop, as in the test
	paused    bool         // by the candidate of a play with an automatic patient
	suspended bool         // another process continues: nothing changes any more
}

// patientState says whether the patient's role is taken, and whether its media is connected.
type patientState string

const (
	patientAbsent    patientState = "absent"
	patientJoining   patientState = "joining" // has a seat, but was not connected yet
	patientConnected patientState = "connected"
	patientLost      patientState = "lost" // has a seat, but is no longer connected
)

// newStage returns a stage in preparation. Its clock starts when the candidate connects. The play
// ends when its clock has stood for mayStand.
func newStage(prepare, play, mayStand time.Duration, now time.Time) *stage {
	return &stage{
		name: protocol.PhasePreparing, play: play, left: prepare, mayStand: mayStand, since: now,
	}
}

// resumedStage returns the stage of a play that an earlier process began, with its last clock.
func resumedStage(play, mayStand time.Duration, last store.PlayClock, now time.Time) *stage {
	return &stage{
		name: protocol.PhasePlaying, play: play, left: last.Left, stood: last.Stood,
		mayStand: mayStand, partner: last.Partner, since: now,
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

// stands reports whether the play's clock stands because the candidate or the patient is away, or
// because the candidate has paused the play.
func (s *stage) stands() bool {
	return s.name == protocol.PhasePlaying && !s.running &&
		(s.reason == protocol.ReasonCandidateAway || s.reason == protocol.ReasonPatientAway ||
			s.reason == protocol.ReasonPaused)
}

// patience returns for how long the play may go on standing. It is only of use while it stands.
func (s *stage) patience(now time.Time) time.Duration {
	return max(s.mayStand-s.stood-now.Sub(s.since), 0)
}

// clock returns the clock of a play.
func (s *stage) clock(now time.Time) store.PlayClock {
	c := store.PlayClock{
		Left: s.remaining(now), Running: s.running, Partner: s.partner, Stood: s.stood,
	}
	if s.stands() {
		c.Stood = s.mayStand - s.patience(now)
	}
	return c
}

// deadline returns when tick must be called; false if that is not necessary.
func (s *stage) deadline() (time.Time, bool) {
	if s.stands() {
		return s.since.Add(s.mayStand - s.stood), true
	}
	return s.since.Add(s.left), s.running
}

// phase returns the phase in the form of the protocol.
func (s *stage) phase(now time.Time) protocol.Phase {
	p := protocol.Phase{
		Name: s.name, RemainingMS: s.remaining(now).Milliseconds(), Running: s.running,
		Reason: s.reason,
	}
	if s.stands() {
		p.EndsInMS = s.patience(now).Milliseconds()
	}
	return p
}

// makeStrict makes the clock of the preparation run from the candidate's first join on, whether
// the candidate is connected or not: that of a mock exam. met says that this join has been.
func (s *stage) makeStrict(met bool) { s.strict, s.met = true, met }

// setPresence sets whether the candidate's media is connected, and the state of the patient.
func (s *stage) setPresence(candidateConnected bool, patient patientState, now time.Time) {
	s.candidate, s.patient = candidateConnected, patient
	s.met = s.met || candidateConnected
	s.updateClock(now)
}

// setPaused stops the clock of a play, or lets it run again.
func (s *stage) setPaused(paused bool, now time.Time) {
	s.paused = paused
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
	s.partner = s.patient == patientLost // who is connected counts in updateClock
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
	s.bringUpTo(now)
	s.running, s.reason, s.suspended = false, protocol.ReasonMoving, true
}

// bringUpTo sets left and stood to what they are now.
func (s *stage) bringUpTo(now time.Time) {
	c := s.clock(now)
	s.left, s.stood, s.since = c.Left, c.Stood, now
}

// tick changes the phase when its time is up, or when its clock has stood for too long.
func (s *stage) tick(now time.Time) {
	if s.stands() && s.patience(now) == 0 {
		if s.reason == protocol.ReasonPatientAway {
			s.end(protocol.ReasonPatientLeft, now)
		} else {
			s.end(protocol.ReasonCandidateLeft, now)
		}
		return
	}
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
	s.bringUpTo(now)
	s.reason = ""
	playing := s.name == protocol.PhasePlaying
	s.partner = s.partner || playing && s.patient == patientConnected
	switch {
	case s.strict && s.met && s.name == protocol.PhasePreparing && s.left > 0:
		s.running = true
	case !s.candidate:
		s.running = false
		if s.met {
			s.reason = protocol.ReasonCandidateAway
		}
	case playing && s.paused:
		s.running, s.reason = false, protocol.ReasonPaused
	case playing && s.partner && s.patient != patientConnected:
		s.running, s.reason = false, protocol.ReasonPatientAway
	case s.name == protocol.PhasePreparing && s.left == 0 && s.patient == patientAbsent:
		s.running, s.reason = false, protocol.ReasonWaitingPatient
	case s.name == protocol.PhasePreparing && s.left == 0:
		s.running = false
		s.start(now)
	default:
		s.running = true
	}
}
