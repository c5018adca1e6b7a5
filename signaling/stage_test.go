package signaling

import (
	"testing"
	"time"

	"bedside/signaling/protocol"
)

// TestStage runs a sequence of steps on a stage with 3 min of preparation and 5 min of play, and
// checks the phase after each. Steps change the stage at a time after its beginning.
func TestStage(t *testing.T) {
	const (
		prepare = 3 * time.Minute
		play    = 5 * time.Minute
	)
	type step struct {
		at   time.Duration
		do   func(s *stage, now time.Time)
		want protocol.Phase
	}
	present := func(candidate, patient bool) func(*stage, time.Time) {
		return func(s *stage, now time.Time) { s.setPresence(candidate, patient, now) }
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
				phase(playing, 4*time.Minute, false, protocol.ReasonCandidateAway),
			},
			{
				time.Hour, tick,
				phase(playing, 4*time.Minute, false, protocol.ReasonCandidateAway),
			},
			{time.Hour, present(true, false), phase(playing, 4*time.Minute, true, "")},
		},
		"a patient who leaves stops nothing": {
			{0, present(true, true), phase(preparing, prepare, true, "")},
			{time.Minute, start, phase(playing, play, true, "")},
			{2 * time.Minute, present(true, false), phase(playing, 4*time.Minute, true, "")},
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
			s := newStage(prepare, play, began)
			for i, st := range steps {
				now := began.Add(st.at)
				st.do(s, now)
				if got := s.phase(now); got != st.want {
					t.Fatalf("after step %d, at %v: %+v; want %+v", i+1, st.at, got, st.want)
				}
				at, running := s.deadline()
				if running != st.want.Running || running && at.Sub(now).Milliseconds() !=
					st.want.RemainingMS {
					t.Fatalf("after step %d the deadline is in %v, running %v", i+1, at.Sub(now),
						running)
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
		s := resumedStage(5*time.Minute, leftOf(5*time.Minute, began, now), now)
		if p := s.phase(began.Add(after)); p.Name != protocol.PhasePlaying || p.Running ||
			p.RemainingMS != left.Milliseconds() {
			t.Errorf("%v after the start: %+v; want %v left", after, p, left)
		}
	}
}
