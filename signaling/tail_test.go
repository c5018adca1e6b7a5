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

func TestTheTapOutlivesThePlay(t *testing.T) {
	type step func(t *testing.T, s *stageHand, anna *actor)
	finish := func(t *testing.T, _ *stageHand,
		anna *actor) {
		must(t, anna.does(protocol.Finish{}))
	}
	leave := func(t *testing.T, _ *stageHand, anna *actor) { must(t, anna.does(protocol.Leave{})) }
	gone := func(_ *testing.T, s *stageHand, _ *actor) {
		s.media.of("candidate").Gone(sfu.ErrGraceExpired)
	}
	withTutor := func(then step) step {
		return func(t *testing.T, s *stageHand, anna *actor) {
			s.enter("tutor", store.ParticipantPatient)
			then(t, s, anna)
		}
	}
	for name, c := range map[string]struct {
		end, then step
		outlives  time.Duration
	}{
		"by time": {
			end:      func(*testing.T, *stageHand, *actor) { time.Sleep(300 * time.Second) },
			outlives: tail,
		},
		"by hand": {end: finish, outlives: tail},
		"and the candidate is cut off": {
			end: finish,
			then: func(_ *testing.T, s *stageHand, _ *actor) {
				s.media.of("candidate").Disconnected()
			},
			outlives: tail,
		},
		"by a candidate who left, for the patient's sake": {
			end: withTutor(leave), outlives: tail,
		},
		"by a candidate who is gone, for the patient's sake": {
			end: withTutor(gone), outlives: tail,
		},
		"and its candidate leaves a patient": {
			end: withTutor(finish), then: leave, outlives: tail,
		},
		"and it is finished again": {end: finish, outlives: tail, then: func(t *testing.T,
			_ *stageHand, anna *actor) {
			if err := anna.does(protocol.Finish{}); clientErrorFor(err).Code != protocol.CodeWrongState {
				t.Errorf("finished twice: %v", err)
			}
		}},
		"but not when nobody is left":    {end: leave},
		"but not when everybody is gone": {end: finish, then: gone},
		"but not when the room empties":  {end: finish, then: leave},
		"but not a server that closes":   {end: finish, then: closeHub},
		"but not one that ends the play": {end: closeHub},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
				anna := s.enter("anna", store.ParticipantCandidate)
				must(t, anna.does(protocol.Start{}))
				synctest.Wait()
				c.end(t, s, anna)
				ended := time.Now()
				if c.then != nil {
					c.then(t, s, anna)
				}
				if c.outlives > 0 {
					s.tapIs(t, true)
					time.Sleep(c.outlives - time.Millisecond)
					s.tapIs(t, true)
					time.Sleep(time.Millisecond)
				}
				s.tapIs(t, false)
				if a, _, _ := s.Attempt(t.Context(),
					"play-1"); a.State != store.AttemptAnalysing || a.EndedAt == nil || !a.EndedAt.Equal(ended) {
					t.Errorf("the attempt is %s, ended at %v; the play ended at %v", a.State,
						a.EndedAt, ended)
				}
				time.Sleep(2 * time.Minute) // the room goes its way, and hands nothing over again
				s.tapIs(t, false)
			})
		})
	}
}

// closeHub closes the hub, which does not wait for a tail.
func closeHub(t *testing.T, s *stageHand, _ *actor) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, s.hub.Close(ctx))
	if waited := time.Since(began); waited != 0 { // by the bubble's clock
		t.Errorf("the close took %v", waited)
	}
}

// tapIs checks whether the tap is open; once it is closed the audio has been handed over, once.
func (s *stageHand) tapIs(t *testing.T, open bool) {
	t.Helper()
	synctest.Wait()
	for len(s.log) > 0 {
		if <-s.log == "finish audio" {
			s.handedOver++
		}
	}
	taps, handedOver := 1, 0
	if !open {
		taps, handedOver = 0, 1
	}
	s.set(func() {
		if s.taps["candidate"] != taps || s.handedOver != handedOver {
			t.Errorf("%d taps, handed over %d times; want %d and %d", s.taps["candidate"],
				s.handedOver, taps, handedOver)
		}
	})
}
