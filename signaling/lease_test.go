package signaling

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"
)

func wantOtherNode(t *testing.T, err error) {
	t.Helper()
	if err == nil || clientErrorFor(err).Code != protocol.CodeOtherNode {
		t.Errorf("%v, want %s", err, protocol.CodeOtherNode)
	}
}

// leased reports whether the hub has the lease of the attempt.
func (w *world) leased(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.leases[id] != nil
}

func TestTicketForAnotherNodeIsRefused(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		ticket := s.ticket("play-1", "anna", store.ParticipantCandidate)
		s.set(func() {
			join := s.tickets[ticket]
			join.NodeID = "another"
			s.tickets[ticket] = join
		})
		c := &conn{queue: make(chan []byte, queueLength), closing: make(chan struct{})}
		_, err := s.hub.admit(t.Context(), c, protocol.Join{Ticket: ticket})
		wantOtherNode(t, err)
		if s.leased("play-1") {
			t.Error("the node took the room nevertheless")
		}
	})
}

func TestRoomOfAnotherNodeIsNotOpened(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		s.set(func() { s.elsewhere["play-1"] = true })
		_, err := s.tryJoin("anna", store.ParticipantCandidate)
		wantOtherNode(t, err)
		s.set(func() { s.elsewhere["play-1"] = false })
		s.joinConnected("anna", store.ParticipantCandidate)
	})
}

func TestLeaseIsHeldWhileTheRoomLives(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		var joins sync.WaitGroup
		for range 20 { // the world fails the test when the lease is acquired twice
			joins.Go(func() {
				if _, err := s.tryJoin("anna", store.ParticipantCandidate); err != nil {
					t.Error(err)
				}
			})
		}
		joins.Wait()
		a := s.joinConnected("anna", store.ParticipantCandidate)
		must(t, a.send(protocol.Start{}))
		must(t, a.send(protocol.Finish{}))
		if synctest.Wait(); !s.leased("play-1") {
			t.Error("the lease was released while the participant waits for the report")
		}
		time.Sleep(2 * time.Minute)
		if synctest.Wait(); s.leased("play-1") {
			t.Error("the room has ended, and the lease is still held")
		}
		_, err := s.tryJoin("anna", store.ParticipantCandidate)
		if !errors.Is(err, errRoomClosed) {
			t.Errorf("after the end: %v", err)
		}
		if s.leased("play-1") {
			t.Error("a refused join has left a lease")
		}
	})
}

// stolen plays until another node takes the lease, and returns the client and what tells the hub.
func stolen(t *testing.T, s *timedRoom) (a *fakeClient, lost func()) {
	t.Helper()
	a = s.joinConnected("anna", store.ParticipantCandidate)
	must(t, a.send(protocol.Start{}))
	synctest.Wait()
	for range 3 {
		<-s.log // prepare, start, begin audio
	}
	return a, s.steal("play-1")
}

// wantStopped checks that the room has stopped here and has written nothing more.
func (s *timedRoom) wantStopped(a *fakeClient) {
	s.t.Helper()
	if !received(a, func(e protocol.Error) bool {
		return e.Code == protocol.CodeOtherNode && e.Fatal
	}) {
		s.t.Error("the client was not told that another node has the room")
	}
	if code, open := a.closeStatus(); open || code != 4015 {
		s.t.Errorf("the socket: open %v, closed with %d", open, code)
	}
	synctest.Wait()
	s.hub.mu.Lock()
	rooms := len(s.hub.rooms)
	s.hub.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if rooms != 0 || !s.discarded["play-1"] || s.taps["candidate"] != 0 {
		s.t.Errorf("%d rooms are left; tap discarded: %v; open sinks: %v", rooms,
			s.discarded["play-1"], s.taps)
	}
	if len(s.rooms) != 1 {
		s.t.Errorf("the presence of the other node's room was removed: %v", s.rooms)
	}
	if len(s.log) != 0 {
		s.t.Errorf("written after the loss: %s", <-s.log)
	}
	if a := s.attempts["play-1"]; a.State != store.AttemptPlaying {
		s.t.Errorf("the attempt is %s", a.State)
	}
}

func TestLostLeaseStopsTheRoom(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		a, lost := stolen(t, s)
		lost()
		s.wantStopped(a)
		_, err := s.tryJoin("anna", store.ParticipantCandidate)
		wantOtherNode(t, err)
	})
}

func TestLostLeaseStopsAnEmptyRoom(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		a := s.joinConnected("anna", store.ParticipantCandidate)
		a.participant.media.Leave(nil)
		synctest.Wait()
		s.steal("play-1")()
		time.Sleep(time.Hour)
		if got := s.attemptState(); got != store.AttemptPreparing {
			t.Errorf("the attempt is %s", got)
		}
	})
}

// The node learns of the loss from the database, when Redis cannot tell it.
func TestFencedWriteStopsTheRoom(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		a, _ := stolen(t, s)
		must(t, a.send(protocol.Finish{}))
		s.wantStopped(a)
	})
}

// The node may learn of a loss twice, and late: the room that it has opened since goes on.
func TestLostLeaseDoesNotStopTheNextRoom(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		a, lost := stolen(t, s)
		must(t, a.send(protocol.Finish{}))
		s.wantStopped(a)
		s.set(func() { s.elsewhere["play-1"] = false })
		b := s.joinConnected("anna", store.ParticipantCandidate)
		lost()
		synctest.Wait()
		if code, open := b.closeStatus(); !open {
			t.Errorf("the next room was stopped: the socket was closed with %d", code)
		}
	})
}

// What waits for a part that does not answer is not written once the room is lost.
func TestLostRoomDropsWhatIsNotWritten(t *testing.T) {
	withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
		s.set(func() { s.dbErr, s.busErr = store.ErrUnavailable, store.ErrUnavailable })
		a := s.joinConnected("anna", store.ParticipantCandidate)
		must(t, a.send(protocol.Start{}))
		time.Sleep(10 * time.Second)
		s.steal("play-1")()
		synctest.Wait()
		s.set(func() { s.dbErr, s.busErr = nil, nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(s.log) != 0 {
			t.Errorf("written after the loss: %s", <-s.log)
		}
		if got := s.attemptState(); got != store.AttemptCreated {
			t.Errorf("the attempt is %s", got)
		}
	})
}
