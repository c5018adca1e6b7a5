package signaling

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"bedside/sfu"
	"bedside/signaling/protocol"
	"bedside/store"
)

func TestTapStaysOpenForTheTail(t *testing.T) {
	type step func(t *testing.T, s *timedRoom, anna *fakeClient)
	finish := func(t *testing.T, _ *timedRoom, anna *fakeClient) {
		must(t, anna.send(protocol.Finish{}))
	}
	leave := func(t *testing.T, _ *timedRoom, anna *fakeClient) {
		must(t, anna.send(protocol.Leave{}))
	}
	gone := func(_ *testing.T, s *timedRoom, _ *fakeClient) {
		s.media.of("candidate").Gone(sfu.ErrGraceExpired)
	}
	withTutor := func(then step) step {
		return func(t *testing.T, s *timedRoom, anna *fakeClient) {
			s.joinConnected("tutor", store.ParticipantPatient)
			then(t, s, anna)
		}
	}
	for name, c := range map[string]struct {
		end, then step
		outlives  time.Duration
	}{
		"time is up": {
			end:      func(*testing.T, *timedRoom, *fakeClient) { time.Sleep(300 * time.Second) },
			outlives: tail,
		},
		"finished": {end: finish, outlives: tail},
		"finished, then candidate disconnects": {
			end: finish,
			then: func(_ *testing.T, s *timedRoom, _ *fakeClient) {
				s.media.of("candidate").Disconnected()
			},
			outlives: tail,
		},
		"candidate leaves, patient stays": {
			end: withTutor(leave), outlives: tail,
		},
		"candidate is gone, patient stays": {
			end: withTutor(gone), outlives: tail,
		},
		"finished, then candidate leaves, patient stays": {
			end: withTutor(finish), then: leave, outlives: tail,
		},
		"finished twice": {end: finish, outlives: tail, then: func(t *testing.T, _ *timedRoom,
			anna *fakeClient) {
			err := anna.send(protocol.Finish{})
			if clientErrorFor(err).Code != protocol.CodeWrongState {
				t.Errorf("finished twice: %v", err)
			}
		}},
		"no tail: last participant leaves":          {end: leave},
		"no tail: finished, then everybody is gone": {end: finish, then: gone},
		"no tail: finished, then everybody leaves":  {end: finish, then: leave},
		"no tail: finished, then server closes":     {end: finish, then: closeHub},
	} {
		t.Run(name, func(t *testing.T) {
			withFakeClock(t, 180, 300, func(t *testing.T, s *timedRoom) {
				anna := s.joinConnected("anna", store.ParticipantCandidate)
				must(t, anna.send(protocol.Start{}))
				synctest.Wait()
				c.end(t, s, anna)
				ended := time.Now()
				if c.then != nil {
					c.then(t, s, anna)
				}
				if c.outlives > 0 {
					s.wantTap(t, true)
					time.Sleep(c.outlives - time.Millisecond)
					s.wantTap(t, true)
					time.Sleep(time.Millisecond)
				}
				s.wantTap(t, false)
				a, _, _ := s.Attempt(t.Context(), "play-1")
				if a.State != store.AttemptAnalysing || a.EndedAt == nil ||
					!a.EndedAt.Equal(ended) {
					t.Errorf("the attempt is %s, ended at %v; the play ended at %v", a.State,
						a.EndedAt, ended)
				}
				time.Sleep(2 * time.Minute) // the ended room hands nothing over
				s.wantTap(t, false)
			})
		})
	}
}

// closeHub closes the hub and checks that it does not wait for the tail.
func closeHub(t *testing.T, s *timedRoom, _ *fakeClient) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, s.hub.Close(ctx))
	if waited := time.Since(began); waited != 0 { // by the fake clock
		t.Errorf("the close took %v", waited)
	}
}

// wantTap checks whether the tap is open, and that the audio was handed over once if it is not.
func (s *timedRoom) wantTap(t *testing.T, open bool) {
	t.Helper()
	synctest.Wait()
	for len(s.log) > 0 {
		if <-s.log == "finish audio" {
			s.handOvers++
		}
	}
	taps, handOvers := 1, 0
	if !open {
		taps, handOvers = 0, 1
	}
	s.set(func() {
		if s.taps["candidate"] != taps || s.handOvers != handOvers {
			t.Errorf("%d taps, handed over %d times; want %d and %d", s.taps["candidate"],
				s.handOvers, taps, handOvers)
		}
	})
}
