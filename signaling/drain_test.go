package signaling

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"
)

// wantLive checks the number of live rooms.
func (s *timedRoom) wantLive(want int) {
	s.t.Helper()
	synctest.Wait()
	if rooms, _ := s.hub.Live(); rooms != want {
		s.t.Errorf("%d rooms are live, want %d", rooms, want)
	}
}

// audioLog returns what rooms have done with the analysis so far.
func (s *timedRoom) audioLog() (did []string) {
	synctest.Wait()
	for len(s.log) > 0 {
		if what := <-s.log; slices.Contains([]string{
			"begin audio", "suspend audio", "finish audio",
		}, what) {
			did = append(did, what)
		}
	}
	return did
}

// move moves all rooms and returns how long that took.
func (s *timedRoom) move() time.Duration {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	if err := s.hub.Move(ctx); err != nil {
		s.t.Errorf("the rooms were not moved: %v", err)
	}
	return time.Since(began)
}

func TestDrainingHubFinishesItsRoomsAndOpensNone(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		s.attempt("play-2")
		s.attempt("play-3")
		left, err := s.tryJoinOf("play-2", "anna", store.ParticipantCandidate)
		must(t, err)
		s.media.of("candidate").Connected()
		synctest.Wait()
		must(t, left.send(protocol.Leave{}))
		s.joinConnected("anna", store.ParticipantCandidate)
		s.wantLive(2) // the second room lingers
		_, changed := s.hub.Live()
		began, fence := time.Now(), s.fence
		s.hub.Drain()
		<-changed
		if waited := time.Since(began); waited > 0 {
			t.Errorf("an empty room was waited for, for %v", waited)
		}
		s.wantLive(1)
		if a, _, _ := s.Attempt(t.Context(), "play-2"); a.State != store.AttemptPreparing {
			t.Errorf("the attempt that another server may continue is %s", a.State)
		}
		for _, attempt := range []string{"play-2", "play-3"} {
			_, err := s.tryJoinOf(attempt, "anna", store.ParticipantCandidate)
			if e := clientErrorFor(err); e.Code != protocol.CodeOtherNode {
				t.Errorf("joining %s while the server drains: %v", attempt, err)
			}
		}
		if s.fence != fence {
			t.Error("a lease was taken by a server that drains")
		}
		anna, err := s.tryJoin("anna", store.ParticipantCandidate) // from another tab
		must(t, err)
		s.media.of("candidate").Connected()
		s.joinConnected("tutor", store.ParticipantPatient)
		must(t, anna.send(protocol.Start{}))
		time.Sleep(5 * time.Minute)
		s.wantPhase(protocol.PhaseEnded, false, 0, protocol.ReasonTime)
		s.wantLive(1) // they wait for the report
		s.report("play-1", "")
		s.wantLive(0)
		if did := s.audioLog(); !slices.Equal(did, []string{"begin audio", "finish audio"}) {
			t.Errorf("the analysis got %v", did)
		}
	})
}

func TestDrainingHubDoesNotWaitForACandidateWhoIsAbsent(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		began := s.began.Add(-time.Second)
		s.set(func() {
			a := s.attempts["play-1"]
			a.State, a.StartedAt = store.AttemptPlaying, &began
			s.attempts["play-1"] = a
		})
		tutor := s.joinConnected("tutor", store.ParticipantPatient)
		s.hub.Drain()
		s.wantLive(0)
		if s.attemptState() != store.AttemptPlaying || !received[protocol.Moving](tutor, nil) {
			t.Errorf("the attempt is %s", s.attemptState())
		}
	})
}

func TestPlayMovesToTheNextServer(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		s.joinConnected("tutor", store.ParticipantPatient)
		must(t, anna.send(protocol.Start{}))
		time.Sleep(100 * time.Second)
		moved := time.Now()
		s.move()
		if !received(anna, func(m protocol.PhaseChanged) bool {
			return m.Phase == protocol.Phase{
				Name: protocol.PhasePlaying, RemainingMS: 200_000, Reason: protocol.ReasonMoving,
			}
		}) {
			t.Error("the candidate was not told that the clock has stopped")
		}
		if code, open := anna.closeStatus(); open || code != 1012 {
			t.Errorf("the candidate's socket: %d, open %v", code, open)
		}
		if did := s.audioLog(); !slices.Equal(did, []string{"begin audio", "suspend audio"}) {
			t.Errorf("the analysis got %v", did)
		}
		s.set(func() {
			if last := s.clocks[len(s.clocks)-1]; last.Left != 200*time.Second || last.Running ||
				!last.Partner ||
				len(s.moved) != 1 || !s.moved[0].Equal(moved) || s.taps["candidate"] != 0 {
				t.Errorf("the log has the clock %v and the moves %v; sinks %v", last, s.moved,
					s.taps)
			}
			s.last = s.clocks[len(s.clocks)-1]
		})
		if s.attemptState() != store.AttemptPlaying || len(s.rooms) != 0 {
			t.Errorf("the attempt is %s, presence has %v", s.attemptState(), s.rooms)
		}
		if _, err := s.tryJoin("anna",
			store.ParticipantCandidate); clientErrorFor(err).Code != protocol.CodeOtherNode {
			t.Errorf("joining again on the same server: %v", err)
		}
		time.Sleep(3 * time.Second)
		s.start()
		again := s.joinConnected("anna", store.ParticipantCandidate)
		if id := again.participant.seat.id; id != anna.participant.seat.id {
			t.Errorf("the candidate is %s", id)
		}
		s.joinConnected("tutor", store.ParticipantPatient)
		s.wantPhase(protocol.PhasePlaying, true, 200*time.Second, "")
		time.Sleep(200 * time.Second)
		s.wantPhase(protocol.PhaseEnded, false, 0, protocol.ReasonTime)
		if s.attemptState() != store.AttemptAnalysing {
			t.Errorf("the attempt is %s", s.attemptState())
		}
	})
}

// Participants are told to come back once the database and the log have everything and presence no
// longer has the room here.
func TestMoveTellsClientsOnceEverythingIsStored(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		s.set(func() { s.dbErr, s.busErr = store.ErrUnavailable, store.ErrUnavailable })
		must(t, anna.send(protocol.Start{}))
		time.Sleep(time.Second)
		received[protocol.ServerMessage](anna, nil)
		s.released = func(string) {
			if s.released = nil; received[protocol.Moving](anna, nil) {
				t.Error("the candidate was told before the lease was released")
			}
		}
		moving := make(chan struct{})
		go func() { defer close(moving); s.move() }()
		time.Sleep(2 * time.Second)
		if received[protocol.Moving](anna, nil) || len(s.rooms) != 1 || len(s.leases) != 1 {
			t.Error("the room was left before everything was stored")
		}
		s.set(func() { s.dbErr, s.busErr = nil, nil })
		time.Sleep(2500 * time.Millisecond)
		if !received[protocol.Moving](anna, nil) || len(s.rooms) != 0 || len(s.leases) != 0 ||
			s.attemptState() != store.AttemptPlaying {
			t.Errorf("the room is still here; the attempt is %s", s.attemptState())
		}
		<-moving
	})
}

func TestMoveDoesNotWaitForStorageForever(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		must(t, anna.send(protocol.Start{}))
		synctest.Wait()
		s.set(func() { s.busErr = store.ErrUnavailable })
		moving := make(chan struct{})
		go func() { defer close(moving); s.move() }()
		time.Sleep(handOverLimit)
		if !received[protocol.Moving](anna, nil) {
			t.Error("the candidate was not sent away")
		}
		s.set(func() { s.busErr = nil }) // else the room would be cut off
		<-moving
	})
}

func TestMoveEndsWithItsContext(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		must(t, anna.send(protocol.Start{}))
		synctest.Wait()
		s.set(func() { s.busErr = store.ErrUnavailable })
		late := errors.New("late")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, late)
		defer cancel()
		if err := s.hub.Move(ctx); !errors.Is(err, late) {
			t.Errorf("moving ended with %v", err)
		}
		began := time.Now()
		must(t, s.hub.Close(t.Context())) // does not wait for the bus a second time
		if waited := time.Since(began); waited > 0 {
			t.Errorf("the close took %v", waited)
		}
	})
}

func TestMovingRoomIgnoresStartAndFinish(t *testing.T) {
	for _, m := range []protocol.ClientMessage{protocol.Start{}, protocol.Finish{}} {
		withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
			anna := s.joinConnected("anna", store.ParticipantCandidate)
			want := store.AttemptPreparing
			if m == (protocol.Finish{}) {
				must(t, anna.send(protocol.Start{}))
				want = store.AttemptPlaying
			}
			synctest.Wait()
			s.set(func() { s.dbErr = store.ErrUnavailable })
			anna.participant.room.records.add("held back", func(context.Context) error {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.dbErr
			})
			moving := make(chan struct{})
			go func() { defer close(moving); s.move() }()
			synctest.Wait()
			must(t, anna.send(m))
			s.media.of("candidate").Gone(sfu.ErrGraceExpired)
			s.set(func() { s.dbErr = nil })
			<-moving
			if s.attemptState() != want || received(anna, func(m protocol.PhaseChanged) bool {
				return m.Phase.Name == protocol.PhaseEnded
			}) {
				t.Errorf("after %T the attempt is %s", m, s.attemptState())
			}
		})
	}
}

func TestMoveFinishesAPlayThatHasEnded(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		anna := s.joinConnected("anna", store.ParticipantCandidate)
		must(t, anna.send(protocol.Start{}))
		must(t, anna.send(protocol.Finish{}))
		s.move() // in the tail
		if did := s.audioLog(); !slices.Equal(did, []string{"begin audio", "finish audio"}) {
			t.Errorf("the analysis got %v", did)
		}
		if code, open := anna.closeStatus(); open || code != 1000 ||
			s.attemptState() != store.AttemptAnalysing {
			t.Errorf("socket %d, open %v; the attempt is %s", code, open, s.attemptState())
		}
	})
}
