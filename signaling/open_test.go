package signaling

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"
)

// roomsOfMany is a hub with a fake clock and an attempt for each join.
type roomsOfMany struct {
	*world
	t     *testing.T
	hub   *Hub
	tried atomic.Int64
}

func withManyRooms(t *testing.T, cfg Config, test func(*testing.T, *roomsOfMany)) {
	synctest.Test(t, func(t *testing.T) {
		s := &roomsOfMany{world: newWorld(t, 180, 300), t: t}
		hub, err := newHub(cfg, func(string) (mediaRoom, error) {
			return &fakeMedia{all: map[string]*fakePart{}}, nil
		}, s, s, s, s, s, s, quiet(), nil)
		must(t, err)
		s.hub = hub
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := hub.Close(ctx); err != nil {
				t.Error(err)
			}
		})
		test(t, s)
	})
}

// open joins a new attempt as its first participant.
func (s *roomsOfMany) open(account, address string) (*fakeClient, error) {
	id := s.attempt(fmt.Sprintf("play-%d", s.tried.Add(1)))
	return s.join(id, account, address)
}

func (s *roomsOfMany) join(attempt, account, address string) (*fakeClient, error) {
	role := store.ParticipantCandidate
	if account != "anna" { // every attempt is anna's
		role = store.ParticipantObserver
	}
	c := &conn{
		address: address, queue: make(chan []byte, queueLength), closing: make(chan struct{}),
	}
	p, err := s.hub.admit(s.t.Context(), c,
		protocol.Join{Ticket: s.ticket(attempt, account, role)})
	return &fakeClient{participant: p, conn: c}, err
}

func wantTooManyRooms(t *testing.T, err error) {
	t.Helper()
	if err == nil || clientErrorFor(err).Code != protocol.CodeTooManyRooms {
		t.Errorf("%v, want %s", err, protocol.CodeTooManyRooms)
	}
}

func TestAnAccountOpensOnlyAFewRooms(t *testing.T) {
	withManyRooms(t, Config{}, func(t *testing.T, s *roomsOfMany) {
		for _, limit := range []error{store.ErrAccountRooms, store.ErrAddressRooms} {
			s.set(func() { s.leaseErr = limit })
			_, err := s.open("anna", "10.0.0.1")
			wantTooManyRooms(t, err)
		}
		s.set(func() { s.leaseErr = nil })
		_, err := s.join("play-1", "anna", "10.0.0.1")
		must(t, err)
		if want := (store.Opener{Account: "anna", Address: "10.0.0.1"}); s.opener != want {
			t.Errorf("the room counts for %+v", s.opener)
		}
		s.set(func() { s.leaseErr = store.ErrAccountRooms })
		_, err = s.join("play-1", "tutor", "10.0.0.2") // to a room that is open
		must(t, err)
	})
}

func TestRoomsWithoutMediaCloseSoon(t *testing.T) {
	withManyRooms(t, Config{}, func(t *testing.T, s *roomsOfMany) {
		c, err := s.open("anna", "10.0.0.1")
		must(t, err)
		c.participant.media.Leave(nil) // its media was never connected
		time.Sleep(Defaults().Unused + time.Second)
		s.hub.mu.Lock()
		open := len(s.hub.rooms)
		s.hub.mu.Unlock()
		if open != 0 {
			t.Error("the room is still open")
		}
		a, _, err := s.Attempt(t.Context(), "play-1")
		must(t, err)
		if a.State != store.AttemptPreparing {
			t.Errorf("the attempt is %s; its candidate must be able to try again", a.State)
		}
		_, err = s.join("play-1", "anna", "10.0.0.1")
		must(t, err)
	})
}
