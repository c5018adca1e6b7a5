package signaling

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"
)

func TestPreparationEndsByItselfWithAPatient(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		s.joinConnected("anna", store.ParticipantCandidate)
		s.wantPhase(protocol.PhasePreparing, true, 180*time.Second, "")
		time.Sleep(time.Minute)
		s.joinConnected("tutor", store.ParticipantPatient)
		s.wantPhase(protocol.PhasePreparing, true, 120*time.Second, "")
		if s.attemptState() != store.AttemptPreparing {
			t.Error(s.attemptState())
		}
		time.Sleep(2*time.Minute - time.Millisecond)
		s.wantPhase(protocol.PhasePreparing, true, time.Millisecond, "")
		time.Sleep(time.Millisecond)
		s.wantPhase(protocol.PhasePlaying, true, 300*time.Second, "")
		if a, _, _ := s.Attempt(t.Context(), "play-1"); a.State != store.AttemptPlaying ||
			a.StartedAt.Sub(s.began) != 3*time.Minute {
			t.Errorf("%s since %v", a.State, a.StartedAt)
		}
		time.Sleep(5 * time.Minute)
		s.wantPhase(protocol.PhaseEnded, false, 0, protocol.ReasonTime)
		if s.attemptState() != store.AttemptAnalysing {
			t.Error(s.attemptState())
		}
	})
}

func TestPreparationWaitsForAPatient(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		s.joinConnected("anna", store.ParticipantCandidate)
		time.Sleep(10 * time.Minute)
		s.wantPhase(protocol.PhasePreparing, false, 0, protocol.ReasonWaitingPatient)
		s.joinConnected("tutor", store.ParticipantPatient)
		s.wantPhase(protocol.PhasePlaying, true, 300*time.Second, "")
	})
}

func TestCandidateMayStartAlone(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		time.Sleep(10 * time.Minute)
		must(t, anna.send(protocol.Start{}))
		s.wantPhase(protocol.PhasePlaying, true, 300*time.Second, "")
	})
}

func TestClockStopsWhileTheCandidateIsAway(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		tutor := s.joinConnected("tutor", store.ParticipantPatient)
		time.Sleep(30 * time.Second)
		s.media.of("candidate").Disconnected()
		s.wantPhase(protocol.PhasePreparing, false, 150*time.Second, protocol.ReasonCandidateAway)
		time.Sleep(15 * time.Second)
		s.media.of("candidate").Connected()
		s.wantPhase(protocol.PhasePreparing, true, 150*time.Second, "")

		must(t, anna.send(protocol.Start{}))
		time.Sleep(100 * time.Second)
		s.media.of("candidate").Disconnected()
		s.wantPhase(protocol.PhasePlaying, false, 200*time.Second, protocol.ReasonCandidateAway)
		if !received(tutor, func(m protocol.PeerUpdated) bool {
			return m.Peer.ParticipantID == "candidate" && !m.Peer.Connected
		}) {
			t.Error("the patient received nothing")
		}
		time.Sleep(19 * time.Second)
		s.media.of("candidate").Connected()
		s.wantPhase(protocol.PhasePlaying, true, 200*time.Second, "")

		time.Sleep(200 * time.Second)
		s.wantPhase(protocol.PhaseEnded, false, 0, protocol.ReasonTime)
	})
}

func TestPlayEndsWhenTheCandidateIsGone(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		tutor := s.joinConnected("tutor", store.ParticipantPatient)
		must(t, anna.send(protocol.Start{}))
		time.Sleep(time.Minute)
		s.media.of("candidate").Gone(sfu.ErrGraceExpired)
		s.wantPhase(protocol.PhaseEnded, false, 0, protocol.ReasonCandidateLeft)
		if !received(tutor, func(m protocol.PeerLeft) bool {
			return m.ParticipantID == "candidate"
		}) {
			t.Error("the patient received nothing")
		}
		if s.attemptState() != store.AttemptAnalysing {
			t.Error(s.attemptState())
		}
	})
}

func TestClockStopsWhileACandidateIsReplaced(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		must(t, anna.send(protocol.Start{}))
		time.Sleep(time.Minute)
		// another tab, not connected yet
		again, err := s.tryJoin("anna", store.ParticipantCandidate)
		must(t, err)
		s.wantPhase(protocol.PhasePlaying, false, 4*time.Minute, protocol.ReasonCandidateAway)
		if code, _ := anna.closeStatus(); code != protocol.CloseCode(protocol.CodeReplaced) {
			t.Errorf("the first tab's socket ended with %d", code)
		}
		time.Sleep(10 * time.Second)
		s.media.of("candidate").Connected()
		s.wantPhase(protocol.PhasePlaying, true, 4*time.Minute, "")
		if _, open := again.closeStatus(); !open {
			t.Error("the second tab's socket was closed")
		}
	})
}

func TestEmptyRoomIsAbandoned(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		must(t, anna.send(protocol.Leave{}))
		time.Sleep(time.Minute)
		if s.attemptState() != store.AttemptPreparing {
			t.Errorf("%s although the candidate may come back", s.attemptState())
		}
		anna = s.joinConnected("anna", store.ParticipantCandidate)
		must(t, anna.send(protocol.Leave{}))
		time.Sleep(2*time.Minute + time.Second)
		if s.attemptState() != store.AttemptAbandoned {
			t.Errorf("%s after everybody left", s.attemptState())
		}
		if _, err := s.tryJoin("anna",
			store.ParticipantCandidate); clientErrorFor(err).Code != protocol.CodeRoomClosed {
			t.Errorf("joining an abandoned attempt: %v", err)
		}
	})
}

func TestTutorsVisitDoesNotAbandonTheAttempt(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		tutor := s.joinConnected("tutor", store.ParticipantPatient)
		s.wantPhase(protocol.PhasePreparing, false, 180*time.Second, "")
		must(t, tutor.send(protocol.Leave{}))
		time.Sleep(time.Hour)
		if s.attemptState() != store.AttemptCreated {
			t.Errorf("the attempt is %s; its candidate has never been there", s.attemptState())
		}
		s.joinConnected("anna", store.ParticipantCandidate)
		s.wantPhase(protocol.PhasePreparing, true, 180*time.Second, "")
	})
}

func TestLostSocketKeepsItsSeatForTheGracePeriod(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna, tutor := s.joinConnected("anna",
			store.ParticipantCandidate), s.joinConnected("tutor", store.ParticipantPatient)
		must(t, anna.send(protocol.Start{}))
		s.loseSocket(tutor)
		time.Sleep(19 * time.Second)
		received[protocol.Pong](anna, nil)
		// the media is still connected, so the clock runs
		s.wantPhase(protocol.PhasePlaying, true, 281*time.Second, "")
		time.Sleep(time.Second)
		if !received(anna, func(m protocol.PeerLeft) bool {
			return m.ParticipantID == "patient"
		}) {
			t.Error("the patient kept the seat for longer than the grace period")
		}
		s.loseSocket(anna)
		time.Sleep(20 * time.Second)
		if s.attemptState() != store.AttemptAnalysing {
			t.Errorf("the candidate's seat was not given up: %s", s.attemptState())
		}
	})
}

func (s *timedRoom) loseSocket(a *fakeClient) {
	r := a.participant.room
	r.post(func() { r.socketLost(a.participant, a.conn) })
	synctest.Wait()
}

func TestResumedComesBeforeTheErrorOfItsICERestart(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		b, err := protocol.DecodeServer(<-anna.conn.queue)
		must(t, err)
		s.loseSocket(anna)
		s.media.all["candidate"].ice = sfu.ErrBadSDP
		c := &conn{queue: make(chan []byte, queueLength), closing: make(chan struct{})}
		_, err = s.hub.admit(t.Context(), c, protocol.Resume{
			Token: b.(protocol.Joined).ResumeToken, RestartICE: true,
		})
		must(t, err)
		for _, want := range []string{"resumed", "error"} {
			if m, err := protocol.DecodeServer(<-c.queue); err != nil ||
				protocol.TypeOf(m) != want {
				t.Errorf("%+v, %v; want %s", m, err, want)
			}
		}
	})
}

func TestSocketsStayOpenAMinuteForTheReport(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		must(t, anna.send(protocol.Start{}))
		must(t, anna.send(protocol.Finish{}))
		time.Sleep(59 * time.Second)
		if _, open := anna.closeStatus(); !open {
			t.Fatal("the socket was closed too early")
		}
		if _, err := s.tryJoin("anna",
			store.ParticipantCandidate); clientErrorFor(err).Code != protocol.CodeRoomClosed {
			t.Errorf("joining a play that has ended: %v", err)
		}
		time.Sleep(time.Second)
		if code, open := anna.closeStatus(); open || code != 1000 ||
			!received[protocol.Closing](anna, nil) {
			t.Errorf("after a minute: code %d, open %v", code, open)
		}
		if synctest.Wait(); s.hub.rooms["play-1"] != nil {
			t.Error("the room has not ended")
		}
	})
}

func TestPlayContinuesAfterARestart(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		began := s.began.Add(-100 * time.Second)
		s.set(func() {
			a := s.attempts["play-1"]
			a.State, a.StartedAt = store.AttemptPlaying, &began
			s.attempts["play-1"] = a
		})
		s.joinConnected("tutor", store.ParticipantPatient)
		s.wantPhase(protocol.PhasePlaying, false, 200*time.Second, "")
		time.Sleep(10 * time.Second)
		s.joinConnected("anna", store.ParticipantCandidate)
		s.wantPhase(protocol.PhasePlaying, true, 200*time.Second, "")
		if s.taps["candidate"] != 1 {
			t.Error("the play is not recorded")
		}
		time.Sleep(200 * time.Second)
		s.wantPhase(protocol.PhaseEnded, false, 0, protocol.ReasonTime)
	})
}

// The log tells how much was left when the earlier process was last heard of, 80 s ago.
func TestRestartTakesNoPlayTime(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		began := s.began.Add(-100 * time.Second)
		s.set(func() {
			a := s.attempts["play-1"]
			a.State, a.StartedAt = store.AttemptPlaying, &began
			s.attempts["play-1"], s.last = a, store.PlayClock{Left: 280 * time.Second}
		})
		s.joinConnected("anna", store.ParticipantCandidate)
		s.wantPhase(protocol.PhasePlaying, true, 280*time.Second, "")
		time.Sleep(80 * time.Second)
		s.media.of("candidate").Disconnected()
		s.wantPhase(protocol.PhasePlaying, false, 200*time.Second, protocol.ReasonCandidateAway)
		want := []store.PlayClock{
			{Left: 280 * time.Second}, {Left: 280 * time.Second, Running: true},
			{Left: 200 * time.Second},
		}
		s.set(func() {
			if !slices.Equal(s.clocks, want) {
				t.Errorf("recorded %v, want %v", s.clocks, want)
			}
		})
	})
}

func TestPlayEndsWhenNobodyReturnsAfterARestart(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		began := s.began.Add(-time.Second)
		s.set(func() {
			a := s.attempts["play-1"]
			a.State, a.StartedAt = store.AttemptPlaying, &began
			s.attempts["play-1"] = a
		})
		tutor := s.joinConnected("tutor", store.ParticipantPatient)
		time.Sleep(2 * time.Minute)
		if !received(tutor, func(m protocol.PhaseChanged) bool {
			return m.Phase.Reason == protocol.ReasonCandidateLeft
		}) || s.attemptState() != store.AttemptAnalysing {
			t.Errorf("the play did not end: %s", s.attemptState())
		}
	})
}

func TestPlayDoesNotWaitForTheDatabase(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		s.set(func() { s.dbErr = store.ErrUnavailable })
		must(t, anna.send(protocol.Start{}))
		time.Sleep(10 * time.Second)
		s.wantPhase(protocol.PhasePlaying, true, 290*time.Second, "")
		if received[protocol.Error](anna, nil) {
			t.Error("an outage that costs nobody a report was announced")
		}
		if synctest.Wait(); s.failedCalls > 20 {
			t.Errorf("the database was called %d times in 10 s", s.failedCalls)
		}
		s.set(func() { s.dbErr = nil })
		time.Sleep(3 * time.Second)
		if a, _, _ := s.Attempt(t.Context(), "play-1"); a.State != store.AttemptPlaying ||
			!a.StartedAt.Equal(s.began) {
			t.Errorf("%s since %v; the play began at %v", a.State, a.StartedAt, s.began)
		}
	})
}

func TestEndedPlayDoesNotRestartWhileTheDatabaseIsDown(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		must(t, anna.send(protocol.Start{}))
		synctest.Wait()
		s.set(func() { s.dbErr = store.ErrUnavailable })
		must(t, anna.send(protocol.Finish{}))
		must(t, anna.send(protocol.Leave{}))
		time.Sleep(time.Minute)
		if _, err := s.tryJoin("anna",
			store.ParticipantCandidate); clientErrorFor(err).Code != protocol.CodeUnavailable {
			t.Errorf("joining while the database is down: %v", err)
		}
		s.set(func() { s.dbErr = nil })
		if _, err := s.tryJoin("anna",
			store.ParticipantCandidate); clientErrorFor(err).Code != protocol.CodeRoomClosed {
			t.Errorf("joining afterwards: %v", err)
		}
	})
}

func TestCandidateIsWarnedWhenTheAnalysisDoesNotAnswer(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		s.set(func() { s.busErr = errors.New("no servers") })
		must(t, anna.send(protocol.Start{}))
		time.Sleep(20 * time.Second)
		errorsTold := 0
		received(anna, func(m protocol.Error) bool {
			if m.Code == protocol.CodeUnavailable && !m.Fatal {
				errorsTold++
			}
			return true
		})
		if errorsTold != 1 {
			t.Errorf("the candidate was warned %d times, not once", errorsTold)
		}
		s.wantPhase(protocol.PhasePlaying, true, 280*time.Second, "")
		must(t, anna.send(protocol.Finish{}))
		s.set(func() { s.busErr = nil })
		time.Sleep(3 * time.Second)
		synctest.Wait()
		got := []string{}
		for len(s.log) > 0 {
			if what := <-s.log; what == "begin audio" || what == "finish audio" {
				got = append(got, what)
			}
		}
		if len(got) != 2 || got[0] != "begin audio" {
			t.Errorf("handed over: %v", got)
		}
	})
}

func TestPresenceShowsWhoIsInTheRoom(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		time.Sleep(time.Minute)
		s.joinConnected("tutor", store.ParticipantPatient)
		s.media.of("candidate").Disconnected()
		synctest.Wait()
		r := s.rooms["play-1"]
		if r.Phase != "preparing" || r.Remaining != 120 || len(r.People) != 2 ||
			r.People[0].UserID != "anna" || r.People[0].Connected || !r.People[1].Connected ||
			!r.OpenedAt.Equal(s.began) {
			t.Errorf("%+v", r)
		}
		must(t, anna.send(protocol.Leave{}))
		synctest.Wait()
		if r := s.rooms["play-1"]; len(r.People) != 1 || r.Taken(store.ParticipantCandidate, "") {
			t.Errorf("%+v", r)
		}
		s.media.of("patient").Gone(sfu.ErrLeft)
		time.Sleep(3 * time.Minute)
		if synctest.Wait(); len(s.rooms) != 0 {
			t.Errorf("%+v", s.rooms)
		}
	})
}
