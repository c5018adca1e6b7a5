package signaling

import (
	"testing"
	"testing/synctest"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"
)

// playTogether begins a play of a candidate and a patient, and lets a minute of it pass.
func playTogether(t *testing.T, s *timedRoom) (candidate, patient *fakeClient) {
	candidate = s.joinConnected("anna", store.ParticipantCandidate)
	patient = s.joinConnected("tutor", store.ParticipantPatient)
	must(t, candidate.send(protocol.Start{}))
	time.Sleep(time.Minute)
	return candidate, patient
}

func TestClockStopsWhileThePatientIsAway(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna, tutor := playTogether(t, s)
		observer := s.joinConnected("other", store.ParticipantObserver)
		must(t, tutor.send(protocol.Leave{}))
		s.wantPhase(protocol.PhasePlaying, false, 4*time.Minute, protocol.ReasonPatientAway)
		for _, who := range []*fakeClient{anna, observer} {
			if !received(who, func(m protocol.PhaseChanged) bool {
				return m.Phase.Reason == protocol.ReasonPatientAway &&
					m.Phase.EndsInMS == (5*time.Minute).Milliseconds()
			}) {
				t.Error("somebody was not told that the clock has stopped")
			}
		}
		must(t, observer.send(protocol.Leave{})) // stops and starts nothing
		time.Sleep(2 * time.Minute)
		s.joinConnected("tutor", store.ParticipantPatient)
		s.wantPhase(protocol.PhasePlaying, true, 4*time.Minute, "")
		time.Sleep(4 * time.Minute)
		s.wantPhase(protocol.PhaseEnded, false, 0, protocol.ReasonTime)
		s.set(func() {
			stopped := map[string]time.Duration{}
			for _, e := range s.events {
				if e.cause == string(store.CauseClockStopped) {
					sign := time.Duration(1)
					if e.on {
						sign = -1
					}
					stopped[e.speaker] += sign * e.at.Sub(s.began)
				}
			}
			for _, speaker := range []string{"candidate", "patient"} {
				if stopped[speaker] != 2*time.Minute {
					t.Errorf("the log has %v of the %s's stopped clock", stopped[speaker], speaker)
				}
			}
		})
	})
}

// A connection that comes and goes stops the clock each time, and keeps the seat meanwhile.
func TestClockFollowsAPatientWhoseConnectionFlaps(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		playTogether(t, s)
		for range 3 {
			s.media.of("patient").Disconnected()
			s.wantPhase(protocol.PhasePlaying, false, 4*time.Minute, protocol.ReasonPatientAway)
			time.Sleep(15 * time.Second)
			s.media.of("patient").Connected()
			s.wantPhase(protocol.PhasePlaying, true, 4*time.Minute, "")
		}
		s.media.of("patient").Gone(sfu.ErrGraceExpired)
		s.wantPhase(protocol.PhasePlaying, false, 4*time.Minute, protocol.ReasonPatientAway)
		if left := s.phase().EndsInMS; left != (255 * time.Second).Milliseconds() {
			t.Errorf("the play may stand for %d ms more", left)
		}
	})
}

func TestPlayWithoutItsPatientEndsByItself(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna, tutor := playTogether(t, s)
		must(t, tutor.send(protocol.Leave{}))
		time.Sleep(5*time.Minute - time.Second)
		s.wantPhase(protocol.PhasePlaying, false, 4*time.Minute, protocol.ReasonPatientAway)
		time.Sleep(time.Second)
		s.wantPhase(protocol.PhaseEnded, false, 0, protocol.ReasonPatientLeft)
		if _, open := anna.closeStatus(); !open {
			t.Error("the candidate does not get the report")
		}
		time.Sleep(time.Second)
		s.wantAudioHandedOver(t)
	})
}

func TestCandidateFinishesWithoutThePatient(t *testing.T) {
	for name, leave := range map[string]bool{"who has left": true, "who never came": false} {
		t.Run(name, func(t *testing.T) {
			withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
				anna := s.joinConnected("anna", store.ParticipantCandidate)
				if leave {
					tutor := s.joinConnected("tutor", store.ParticipantPatient)
					must(t, anna.send(protocol.Start{}))
					time.Sleep(time.Minute)
					must(t, tutor.send(protocol.Leave{}))
					s.wantPhase(protocol.PhasePlaying, false, 4*time.Minute,
						protocol.ReasonPatientAway)
				} else {
					must(t, anna.send(protocol.Start{}))
					time.Sleep(time.Minute)
					s.wantPhase(protocol.PhasePlaying, true, 4*time.Minute, "")
				}
				must(t, anna.send(protocol.Finish{}))
				s.wantPhase(protocol.PhaseEnded, false, 0, protocol.ReasonFinished)
				time.Sleep(time.Second)
				s.wantAudioHandedOver(t)
			})
		})
	}
}

// wantAudioHandedOver checks that the play has ended properly: its analysis has everything.
func (s *timedRoom) wantAudioHandedOver(t *testing.T) {
	t.Helper()
	if state := s.attemptState(); state != store.AttemptAnalysing {
		t.Errorf("the attempt is %s", state)
	}
	if did := s.audioLog(); did[len(did)-1] != "finish audio" {
		t.Errorf("the analysis got %v", did)
	}
}

// The next server knows that the play had a patient, and how long it had stood.
func TestPatientIsAwayAfterARestartToo(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		_, tutor := playTogether(t, s)
		must(t, tutor.send(protocol.Leave{}))
		time.Sleep(time.Minute)
		s.move()
		time.Sleep(time.Minute)
		s.set(func() { s.last = s.clocks[len(s.clocks)-1] })
		s.start()
		s.joinConnected("anna", store.ParticipantCandidate)
		s.wantPhase(protocol.PhasePlaying, false, 4*time.Minute, protocol.ReasonPatientAway)
		if left := s.phase().EndsInMS; left != (4 * time.Minute).Milliseconds() {
			t.Errorf("the play may stand for %d ms more", left)
		}
		time.Sleep(time.Minute)
		s.joinConnected("tutor", store.ParticipantPatient)
		synctest.Wait()
		s.wantPhase(protocol.PhasePlaying, true, 4*time.Minute, "")
	})
}
