package signaling

import (
	"testing"
	"testing/synctest"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"
)

func TestTheTapOutlivesThePlay(t *testing.T) {
	finish := func(t *testing.T, _ *stageHand, anna *actor) { must(t, anna.does(protocol.Finish{})) }
	for name, c := range map[string]struct {
		end, then func(*testing.T, *stageHand, *actor)
		outlives  time.Duration
	}{
		"by time":                  {end: func(*testing.T, *stageHand, *actor) { time.Sleep(300 * time.Second) }, outlives: tail},
		"by hand":                  {end: finish, outlives: tail},
		"and its candidate leaves": {end: finish, then: func(t *testing.T, _ *stageHand, anna *actor) { must(t, anna.does(protocol.Leave{})) }},
		"and the server closes":    {end: finish, then: func(_ *testing.T, s *stageHand, _ *actor) { s.hub.rooms["play-1"].post(s.hub.rooms["play-1"].shutDown) }},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, 180, 300, func(t *testing.T, s *stageHand) {
				anna := s.enter("anna", store.ParticipantCandidate)
				must(t, anna.does(protocol.Start{}))
				synctest.Wait()
				c.end(t, s, anna)
				if c.then != nil {
					c.then(t, s, anna)
				}
				s.tapIs(t, c.outlives > 0)
				if c.outlives > 0 {
					time.Sleep(c.outlives - time.Millisecond)
					s.tapIs(t, true)
					time.Sleep(time.Millisecond)
					s.tapIs(t, false)
				}
				if a, _, _ := s.Attempt(t.Context(), "play-1"); a.State != store.AttemptAnalysing {
					t.Errorf("the attempt is %s", a.State)
				}
			})
		})
	}
}

// tapIs checks whether the tap is open; once it is closed the audio is handed over.
func (s *stageHand) tapIs(t *testing.T, open bool) {
	t.Helper()
	synctest.Wait()
	handed := false
	for len(s.log) > 0 {
		handed = <-s.log == "finish audio" || handed
	}
	taps := 0
	s.set(func() { taps = s.taps["candidate"] })
	if (taps == 1) != open || handed == open {
		t.Errorf("%d taps, handed over %v; want open %v", taps, handed, open)
	}
}
