package signaling

import (
	"sync"
	"testing"
	"time"

	"bedside/signaling/protocol"
	"bedside/store"

	"github.com/pion/webrtc/v4"
	pion "github.com/pion/webrtc/v4/pkg/media"
)

// startSpeaking sends packets until the test ends.
func (c *client) startSpeaking() {
	track := c.pc.GetSenders()[0].Track().(*webrtc.TrackLocalStaticSample)
	stop := make(chan struct{})
	var speaking sync.WaitGroup
	speaking.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if track.WriteSample(pion.Sample{
				Data: []byte{0x78, 1, 2, 3}, Duration: 20 * time.Millisecond,
			}) != nil {
				return
			}
		}
	})
	c.t.Cleanup(func() {
		close(stop)
		speaking.Wait()
	})
}

// awaitPackets waits until the tap has received so many more packets.
func (s *server) awaitPackets(more int) {
	s.t.Helper()
	var from, now int
	s.set(func() { from = s.packets })
	deadline := time.Now().Add(testTimeout)
	for ; now < from+more; s.set(func() { now = s.packets }) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the tap has received %d packets, not %d", now-from, more)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestResumeKeepsMediaRunning(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	anna.answerNextOffer()
	anna.startSpeaking()
	anna.send(protocol.Start{})
	tutor.wantPhase(protocol.PhasePlaying, true)
	s.awaitPackets(10)

	anna.dropSocket()
	s.awaitPackets(10)
	again := s.resume(anna, anna.joined.ResumeToken)
	r := next[protocol.Resumed](again, "resumed", nil)
	if r.Phase.Name != protocol.PhasePlaying || !r.Phase.Running || len(r.Peers) != 1 ||
		r.Peers[0].ParticipantID != "patient" || r.ResumeToken == "" ||
		r.ResumeToken == anna.joined.ResumeToken {
		t.Errorf("%+v", r)
	}
	s.awaitPackets(10)
	again.send(protocol.Finish{})
	tutor.wantPhase(protocol.PhaseEnded, false)
	for len(tutor.messages) > 0 {
		if m, ok := (<-tutor.messages).(protocol.PeerUpdated); ok && !m.Peer.Connected {
			t.Error("the patient saw the candidate disconnect")
		}
	}

	// The socket is lost again, with the new token still on its way: the one before it still
	// works, older ones do not.
	again.dropSocket()
	third := s.resume(anna, anna.joined.ResumeToken)
	newest := next[protocol.Resumed](third, "resumed", nil)
	third.dropSocket()
	stale := s.resume(anna, r.ResumeToken)
	stale.wantError(protocol.CodeResumeUnknown, true)
	stale.wantClose(protocol.CloseCode(protocol.CodeResumeUnknown))
	next[protocol.Resumed](s.resume(anna, newest.ResumeToken), "resumed", nil)
}

func TestResumeRepeatsAnUnansweredOffer(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	lost := next[protocol.Offer](anna, "an offer", nil)
	anna.dropSocket()
	again := s.resume(anna, anna.joined.ResumeToken)
	next[protocol.Resumed](again, "resumed", nil)
	if o := again.answerNextOffer(); o != lost {
		t.Errorf("offer %d came after offer %d was lost", o.OfferID, lost.OfferID)
	}
	tutor.startSpeaking()
	if track := await(t, "the patient's track", again.tracks); track.StreamID() != "patient" {
		t.Errorf("stream of %s", track.StreamID())
	}
}

func TestResumeWithICERestart(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	anna.dropSocket()
	again := s.dial(nil)
	again.pc = anna.pc
	again.send(protocol.Resume{Token: anna.joined.ResumeToken, RestartICE: true})
	next[protocol.Resumed](again, "resumed", nil)
	before := anna.pc.RemoteDescription().SDP
	again.answerNextOffer()
	if ufrag(anna.pc.RemoteDescription().SDP) == ufrag(before) {
		t.Error("the offer has the same ICE credentials")
	}
	again.send(protocol.RestartICE{})
	again.answerNextOffer()
}

func ufrag(text string) string {
	d := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: text}
	parsed, err := d.Unmarshal()
	if err != nil {
		return err.Error()
	}
	for _, m := range parsed.MediaDescriptions {
		if v, ok := m.Attribute("ice-ufrag"); ok {
			return v
		}
	}
	v, _ := parsed.Attribute("ice-ufrag")
	return v
}

func TestInvalidResumeTokens(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	left := s.join(id, "tutor", store.ParticipantPatient)
	left.send(protocol.Leave{})
	left.wantClose(1000)
	for what, token := range map[string]string{
		"wrong":                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"of a participant who left": left.joined.ResumeToken,
	} {
		t.Run(what, func(t *testing.T) {
			c := s.dial(nil)
			c.send(protocol.Resume{Token: token})
			c.wantError(protocol.CodeResumeUnknown, true)
			c.wantClose(protocol.CloseCode(protocol.CodeResumeUnknown))
		})
	}
	anna.send(protocol.Ping{ID: 1})
	next[protocol.Pong](anna, "the pong", nil)
}

func TestResumeReplacesAnOpenSocket(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	// the server has not noticed that the old socket is dead
	again := s.resume(anna, anna.joined.ResumeToken)
	next[protocol.Resumed](again, "resumed", nil)
	anna.wantClose(protocol.CloseCode(protocol.CodeReplaced))
	again.send(protocol.Ping{ID: 1})
	next[protocol.Pong](again, "the pong", nil)
}

func TestJoinReplacesTheUsersEarlierSeat(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	again := s.join(id, "anna", store.ParticipantCandidate)
	anna.wantError(protocol.CodeReplaced, true)
	anna.wantClose(protocol.CloseCode(protocol.CodeReplaced))
	next(tutor, "the candidate again", func(m protocol.PeerJoined) bool {
		return m.Peer.ParticipantID == "candidate"
	})
	again.send(protocol.Start{})
	tutor.wantPhase(protocol.PhasePlaying, true)

	failed := s.dial(nil) // a join that fails replaces nobody
	failed.send(protocol.Join{
		Version: 1, Ticket: s.ticket(id, "anna", store.ParticipantCandidate), Offer: "v=0",
	})
	failed.wantError(protocol.CodeBadSDP, true)
	again.send(protocol.Finish{})
	tutor.wantPhase(protocol.PhaseEnded, false)
}

func TestEndSessionClosesItsSockets(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	s.hub.EndSession("session of tutor", "you signed out")
	if e := tutor.wantError(protocol.CodeSessionEnded, true); e.Message != "you signed out" {
		t.Errorf("%+v", e)
	}
	tutor.wantClose(protocol.CloseCode(protocol.CodeSessionEnded))
	next(anna, "the patient's departure", func(m protocol.PeerLeft) bool {
		return m.ParticipantID == "patient"
	})
	c := s.resume(tutor, tutor.joined.ResumeToken)
	c.wantError(protocol.CodeResumeUnknown, true)
}

// TestSessionThatEndsDuringTheJoin ends a session between the check of its ticket and the seating,
// when there is no seat to vacate yet.
func TestSessionThatEndsDuringTheJoin(t *testing.T) {
	w := newWorld(t, 180, 300)
	s := serve(t, w, Config{})
	id := s.attempt("play-1")
	w.set(func() { w.ended["session of tutor"] = true })
	tutor := s.requestJoin(id, "tutor", store.ParticipantPatient)
	tutor.wantError(protocol.CodeSessionEnded, true)
	tutor.wantClose(protocol.CloseCode(protocol.CodeSessionEnded))
}

func TestParticipantLeavesAfterTheGracePeriod(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{Grace: 50 * time.Millisecond})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	tutor.dropSocket()
	next(anna, "the patient's departure", func(m protocol.PeerLeft) bool {
		return m.ParticipantID == "patient"
	})
	c := s.resume(tutor, tutor.joined.ResumeToken)
	c.wantError(protocol.CodeResumeUnknown, true)
}
