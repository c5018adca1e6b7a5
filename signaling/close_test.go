package signaling

import (
	"context"
	"net/http"
	"testing"

	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/coder/websocket"
)

func TestCloseFinishesPlaysAndTellsEverybody(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	playing, preparing := s.attempt("play-1"), s.attempt("play-2")
	anna := s.join(playing, "anna", store.ParticipantCandidate)
	s.written("prepare")
	anna.say(protocol.Start{})
	anna.phase(protocol.PhasePlaying, true)
	waiting := s.join(preparing, "anna", store.ParticipantCandidate)
	silent := s.dial(nil)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.hub.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if p := anna.phase(protocol.PhaseEnded, false); p.Reason != protocol.ReasonServerClosing {
		t.Errorf("%+v", p)
	}
	for _, c := range []*client{anna, waiting, silent} {
		next[protocol.Closing](c, "the goodbye", nil)
		c.ends(1001)
	}
	for id, want := range map[string]store.AttemptState{
		playing: store.AttemptAnalysing, preparing: store.AttemptPreparing,
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
	must(t, s.hub.Close(ctx)) // once more does nothing
}

func TestCloseGivesUpWhenItsTimeIsOver(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	anna := s.join(s.attempt("play-1"), "anna", store.ParticipantCandidate)
	s.set(func() { s.deaf = store.ErrUnavailable })
	anna.say(protocol.Start{})
	anna.phase(protocol.PhasePlaying, true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.hub.Close(ctx); err == nil {
		t.Error("the audio was not handed over, and nobody is told")
	}
}

func TestMetrics(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	anna := s.join(s.attempt("play-1"), "anna", store.ParticipantCandidate)
	c := s.dial(nil)
	c.write("no message")
	c.ends(protocol.CloseCode(protocol.CodeBadMessage))
	anna.drop()
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
	// the two that ended may not have been taken away yet
	if n := got["bedside_signaling_sockets"]; n < 1 || n > 3 {
		t.Errorf("%v sockets", n)
	}
}
