package signaling

import (
	"testing"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"
)

// TestStage runs a sequence of steps on a stage with 3 min of preparation and 5 min of play, and
// checks the phase after each. Steps change the stage at a time after its beginning.
func TestStage(t *testing.T) {
	const (
		prepare  = 3 * time.Minute
		play     = 5 * time.Minute
		mayStand = 5 * time.Minute
		lost     = protocol.ReasonPatientAway
	)
	type step struct {
		at   time.Duration
		do   func(s *stage, now time.Time)
		want protocol.Phase
	}
	are := func(candidate bool, patient patientState) func(*stage, time.Time) {
		return func(s *stage, now time.Time) { s.setPresence(candidate, patient, now) }
	}
	present := func(candidate, patient bool) func(*stage, time.Time) {
		if patient {
			return are(candidate, patientConnected)
		}
		return are(candidate, patientAbsent)
	}
	tick := func(s *stage, now time.Time) { s.tick(now) }
	start := func(s *stage, now time.Time) { s.start(now) }
	end := func(s *stage, now time.Time) { s.end(protocol.ReasonFinished, now) }
	phase := func(name protocol.PhaseName, left time.Duration, running bool,
		reason protocol.PhaseReason) protocol.Phase {
		return protocol.Phase{
			Name: name, RemainingMS: left.Milliseconds(), Running: running, Reason: reason,
		}
	}
	stopped := func(left, ends time.Duration, reason protocol.PhaseReason) protocol.Phase {
		p := phase(protocol.PhasePlaying, left, false, reason)
		p.EndsInMS = ends.Milliseconds()
		return p
	}
	const (
		preparing = protocol.PhasePreparing
		playing   = protocol.PhasePlaying
		ended     = protocol.PhaseEnded
	)
	for name, steps := range map[string][]step{
		"the clock waits for the candidate": {
			{0, tick, phase(preparing, prepare, false, "")},
			{time.Hour, present(false, true), phase(preparing, prepare, false, "")},
			{time.Hour, present(true, true), phase(preparing, prepare, true, "")},
		},
		"a play with a patient": {
			{0, present(true, true), phase(preparing, prepare, true, "")},
			{prepare - 1, tick, phase(preparing, 0, true, "")},
			{prepare, tick, phase(playing, play, true, "")},
			{prepare + play - time.Second, tick, phase(playing, time.Second, true, "")},
			{prepare + play, tick, phase(ended, 0, false, protocol.ReasonTime)},
			{prepare + play, end, phase(ended, 0, false, protocol.ReasonTime)},
		},
		"preparation waits at zero for a patient": {
			{0, present(true, false), phase(preparing, prepare, true, "")},
			{prepare, tick, phase(preparing, 0, false, protocol.ReasonWaitingPatient)},
			{time.Hour, present(true, true), phase(playing, play, true, "")},
		},
		"preparation waits at zero, then the candidate starts": {
			{0, present(true, false), phase(preparing, prepare, true, "")},
			{prepare, tick, phase(preparing, 0, false, protocol.ReasonWaitingPatient)},
			{time.Hour, start, phase(playing, play, true, "")},
		},
		"the clock stops while the candidate is away": {
			{0, present(true, false), phase(preparing, prepare, true, "")},
			{time.Minute, start, phase(playing, play, true, "")},
			{
				2 * time.Minute, present(false, false),
				stopped(4*time.Minute, mayStand, protocol.ReasonCandidateAway),
			},
			{
				3 * time.Minute, tick,
				stopped(4*time.Minute, 4*time.Minute, protocol.ReasonCandidateAway),
			},
			{3 * time.Minute, present(true, false), phase(playing, 4*time.Minute, true, "")},
		},
		"the clock stops while the patient is away": {
			{0, present(true, true), phase(preparing, prepare, true, "")},
			{time.Minute, start, phase(playing, play, true, "")},
			{2 * time.Minute, are(true, patientLost), stopped(4*time.Minute, mayStand, lost)},
			{
				130 * time.Second, are(true, patientAbsent),
				stopped(4*time.Minute, 290*time.Second, lost),
			},
			{3 * time.Minute, tick, stopped(4*time.Minute, 4*time.Minute, lost)},
			{
				3 * time.Minute, are(true, patientJoining),
				stopped(4*time.Minute, 4*time.Minute, lost),
			},
			{3 * time.Minute, present(true, true), phase(playing, 4*time.Minute, true, "")},
		},
		"a play that stands for too long in all ends": {
			{0, present(true, true), phase(preparing, prepare, true, "")},
			{0, start, phase(playing, play, true, "")},
			{0, are(true, patientLost), stopped(play, mayStand, lost)},
			{2 * time.Minute, present(true, true), phase(playing, play, true, "")},
			{3 * time.Minute, present(true, false), stopped(4*time.Minute, 3*time.Minute, lost)},
			{
				4 * time.Minute, present(false, false),
				stopped(4*time.Minute, 2*time.Minute, protocol.ReasonCandidateAway),
			},
			{5 * time.Minute, present(true, false), stopped(4*time.Minute, time.Minute, lost)},
			{6*time.Minute - 1, tick, stopped(4*time.Minute, 1, lost)},
			{6 * time.Minute, tick, phase(ended, 0, false, protocol.ReasonPatientLeft)},
		},
		"a candidate whose connection comes and goes does not hold a play for ever": {
			{0, present(true, false), phase(preparing, prepare, true, "")},
			{0, start, phase(playing, play, true, "")},
			{0, present(false, false), stopped(play, mayStand, protocol.ReasonCandidateAway)},
			{mayStand, tick, phase(ended, 0, false, protocol.ReasonCandidateLeft)},
		},
		"a candidate who began alone plays alone until a patient comes": {
			{0, present(true, true), phase(preparing, prepare, true, "")},
			{0, present(true, false), phase(preparing, prepare, true, "")},
			{0, start, phase(playing, play, true, "")},
			{time.Minute, are(true, patientJoining), phase(playing, 4*time.Minute, true, "")},
			{time.Minute, are(true, patientAbsent), phase(playing, 4*time.Minute, true, "")},
			{time.Minute, present(true, true), phase(playing, 4*time.Minute, true, "")},
			{time.Minute, present(true, false), stopped(4*time.Minute, mayStand, lost)},
		},
		"a play that begins while the patient's connection is lost waits": {
			{0, present(true, true), phase(preparing, prepare, true, "")},
			{0, are(true, patientLost), phase(preparing, prepare, true, "")},
			{0, start, stopped(play, mayStand, lost)},
			{0, end, phase(ended, 0, false, protocol.ReasonFinished)},
		},
		"start has no effect after the start or the end": {
			{0, present(true, false), phase(preparing, prepare, true, "")},
			{0, start, phase(playing, play, true, "")},
			{time.Minute, start, phase(playing, 4*time.Minute, true, "")},
			{time.Minute, end, phase(ended, 0, false, protocol.ReasonFinished)},
			{time.Minute, start, phase(ended, 0, false, protocol.ReasonFinished)},
			{time.Hour, present(false, false), phase(ended, 0, false, protocol.ReasonFinished)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			s := newStage(prepare, play, mayStand, began)
			for i, st := range steps {
				now := began.Add(st.at)
				st.do(s, now)
				if got := s.phase(now); got != st.want {
					t.Fatalf("after step %d, at %v: %+v; want %+v", i+1, st.at, got, st.want)
				}
				at, ok := s.deadline()
				wantIn := st.want.RemainingMS
				if !st.want.Running {
					wantIn = st.want.EndsInMS
				}
				stands := st.want.Reason == lost ||
					st.want.Reason == protocol.ReasonCandidateAway && st.want.Name == playing
				if ok != (st.want.Running || stands) ||
					ok && at.Sub(now).Milliseconds() != wantIn {
					t.Fatalf("after step %d the deadline is in %v, %v", i+1, at.Sub(now), ok)
				}
			}
		})
	}
}

func TestResumedStageHasTheTimeThatIsLeft(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for after, left := range map[time.Duration]time.Duration{
		time.Minute: 4 * time.Minute, time.Hour: 0,
		-time.Minute: 5 * time.Minute, // the other machine's clock is ahead
	} {
		now := began.Add(after)
		s := resumedStage(5*time.Minute, 5*time.Minute,
			store.PlayClock{Left: leftOf(5*time.Minute, began, now)}, now)
		if p := s.phase(began.Add(after)); p.Name != protocol.PhasePlaying || p.Running ||
			p.RemainingMS != left.Milliseconds() {
			t.Errorf("%v after the start: %+v; want %v left", after, p, left)
		}
	}
}

// TestPreparationOfAMockExamIsNotExtended reads the clock while the candidate comes and goes.
func TestPreparationOfAMockExamIsNotExtended(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := newStage(3*time.Minute, 5*time.Minute, 5*time.Minute, began)
	s.makeStrict(false)
	check := func(after time.Duration, want protocol.Phase) {
		t.Helper()
		if got := s.phase(began.Add(after)); got != want {
			t.Errorf("after %v: %+v; want %+v", after, got, want)
		}
	}
	preparing := func(left time.Duration, running bool,
		reason protocol.PhaseReason) protocol.Phase {
		return protocol.Phase{
			Name: protocol.PhasePreparing, RemainingMS: left.Milliseconds(), Running: running,
			Reason: reason,
		}
	}
	s.setPresence(false, patientConnected, began)
	check(time.Hour, preparing(3*time.Minute, false, "")) // nobody was in the room
	began = began.Add(time.Hour)
	s.makeStrict(true) // the first join; its media is not connected yet
	s.setPresence(false, patientConnected, began)
	check(30*time.Second, preparing(150*time.Second, true, ""))
	s.setPresence(true, patientConnected, began.Add(time.Minute))
	s.setPresence(false, patientConnected, began.Add(90*time.Second)) // lost
	check(2*time.Minute, preparing(time.Minute, true, ""))
	s.tick(began.Add(3 * time.Minute)) // the play waits for the candidate
	check(3*time.Minute, preparing(0, false, protocol.ReasonCandidateAway))
	s.setPresence(true, patientConnected, began.Add(4*time.Minute))
	check(4*time.Minute, protocol.Phase{
		Name: protocol.PhasePlaying, RemainingMS: 300_000, Running: true,
	})
}
