package signaling

import (
	"context"
	"net/http"
	"testing"

	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
)

func TestCloseMovesPlaysAndInformsEverybody(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	playing, preparing := s.attempt("play-1"), s.attempt("play-2")
	anna := s.join(playing, "anna", store.ParticipantCandidate)
	s.wantRecorded("prepare")
	anna.send(protocol.Start{})
	anna.wantPhase(protocol.PhasePlaying, true)
	waiting := s.join(preparing, "anna", store.ParticipantCandidate)
	silent := s.dial(nil)

	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := s.hub.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if p := anna.wantPhase(protocol.PhasePlaying, false); p.Reason != protocol.ReasonMoving {
		t.Errorf("%+v", p)
	}
	for _, c := range []*client{anna, waiting, silent} {
		next[protocol.Moving](c, "the moving message", nil)
		c.wantClose(1012)
	}
	for id, want := range map[string]store.AttemptState{
		playing: store.AttemptPlaying, preparing: store.AttemptPreparing,
	} {
		if a, _, _ := s.Attempt(ctx, id); a.State != want {
			t.Errorf("%s is %s; want %s", id, a.State, want)
		}
	}
	if _, res, err := websocket.Dial(ctx, s.url, nil); err == nil || res == nil ||
		res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a socket after the close: %v", err)
	}
	if len(s.rooms) != 0 {
		t.Errorf("presence still knows %v", s.rooms)
	}
	must(t, s.hub.Close(ctx)) // closing again does nothing
}

func TestCloseReturnsErrorWhenItsContextEnds(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	anna := s.join(s.attempt("play-1"), "anna", store.ParticipantCandidate)
	s.set(func() { s.busErr = store.ErrUnavailable })
	anna.send(protocol.Start{})
	anna.wantPhase(protocol.PhasePlaying, true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.hub.Close(ctx); err == nil {
		t.Error("no error although the audio was not handed over")
	}
}

func TestMetrics(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	anna := s.join(s.attempt("play-1"), "anna", store.ParticipantCandidate)
	c := s.dial(nil)
	c.write("no message")
	c.wantClose(protocol.CloseCode(protocol.CodeBadMessage))
	anna.dropSocket()
	next[protocol.Resumed](s.resume(anna, anna.joined.ResumeToken), "resumed", nil)
	families, err := s.reg.Gather()
	must(t, err)
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"bedside_signaling_errors_total": 1, "bedside_signaling_rooms": 1,
		"bedside_signaling_resumes_total": 1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v; want %v", name, got[name], want)
		}
	}
	// the two closed sockets may still be counted
	if n := got["bedside_signaling_sockets"]; n < 1 || n > 3 {
		t.Errorf("%v sockets", n)
	}
}
