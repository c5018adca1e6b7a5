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

// speaks sends packets until the test ends.
func (c *client) speaks() {
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

// hears waits until the tap has got so many more packets.
func (s *server) hears(more int) {
	s.t.Helper()
	var from, now int
	s.set(func() { from = s.heard })
	for late := time.Now().Add(patience); now < from+more; s.set(func() { now = s.heard }) {
		if time.Now().After(late) {
			s.t.Fatalf("the tap has got %d packets, not %d", now-from, more)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestALostSocketIsResumedAndTheMediaGoesOn(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	anna.answer()
	anna.speaks()
	anna.say(protocol.Start{})
	tutor.phase(protocol.PhasePlaying, true)
	s.hears(10)

	anna.drop()
	s.hears(10)
	again := s.resume(anna, anna.joined.ResumeToken)
	r := next[protocol.Resumed](again, "resumed", nil)
	if r.Phase.Name != protocol.PhasePlaying || !r.Phase.Running || len(r.Peers) != 1 ||
		r.Peers[0].ParticipantID != "patient" || r.ResumeToken == "" ||
		r.ResumeToken == anna.joined.ResumeToken {
		t.Errorf("%+v", r)
	}
	s.hears(10)
	again.say(protocol.Finish{})
	tutor.phase(protocol.PhaseEnded, false)
	for len(tutor.came) > 0 {
		if m, ok := (<-tutor.came).(protocol.PeerUpdated); ok && !m.Peer.Connected {
			t.Error("the patient saw the candidate go")
		}
	}

	// The socket was lost once more, just as the new token was under way: the older one still
	// works, and no third.
	again.drop()
	third := s.resume(anna, anna.joined.ResumeToken)
	newest := next[protocol.Resumed](third, "resumed", nil)
	third.drop()
	stale := s.resume(anna, r.ResumeToken)
	stale.refused(protocol.CodeResumeUnknown, true)
	stale.ends(protocol.CloseCode(protocol.CodeResumeUnknown))
	next[protocol.Resumed](s.resume(anna, newest.ResumeToken), "resumed", nil)
}

func TestAnOfferThatWasLostComesAgain(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	lost := next[protocol.Offer](anna, "an offer", nil)
	anna.drop()
	again := s.resume(anna, anna.joined.ResumeToken)
	next[protocol.Resumed](again, "resumed", nil)
	if o := again.answer(); o != lost {
		t.Errorf("offer %d came after offer %d was lost", o.OfferID, lost.OfferID)
	}
	tutor.speaks()
	if track := await(t, "the patient's track", again.tracks); track.StreamID() != "patient" {
		t.Errorf("stream of %s", track.StreamID())
	}
}

func TestAResumeMayRestartICE(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	anna.drop()
	again := s.dial(nil)
	again.pc = anna.pc
	again.say(protocol.Resume{Token: anna.joined.ResumeToken, RestartICE: true})
	next[protocol.Resumed](again, "resumed", nil)
	before := anna.pc.RemoteDescription().SDP
	again.answer()
	if ufrag(anna.pc.RemoteDescription().SDP) == ufrag(before) {
		t.Error("the offer keeps the ICE credentials")
	}
	again.say(protocol.RestartICE{})
	again.answer()
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

func TestTokensThatResumeNothing(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	left := s.join(id, "tutor", store.ParticipantPatient)
	left.say(protocol.Leave{})
	left.ends(1000)
	for what, token := range map[string]string{
		"wrong":                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"of somebody who left": left.joined.ResumeToken,
	} {
		t.Run(what, func(t *testing.T) {
			c := s.dial(nil)
			c.say(protocol.Resume{Token: token})
			c.refused(protocol.CodeResumeUnknown, true)
			c.ends(protocol.CloseCode(protocol.CodeResumeUnknown))
		})
	}
	anna.say(protocol.Ping{ID: 1})
	next[protocol.Pong](anna, "the pong", nil)
}

func TestASocketIsReplacedByAResume(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	// the old socket is half dead: the server has not noticed
	again := s.resume(anna, anna.joined.ResumeToken)
	next[protocol.Resumed](again, "resumed", nil)
	anna.ends(protocol.CloseCode(protocol.CodeReplaced))
	again.say(protocol.Ping{ID: 1})
	next[protocol.Pong](again, "the pong", nil)
}

func TestAPlaceIsReplacedByAJoin(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	again := s.join(id, "anna", store.ParticipantCandidate)
	anna.refused(protocol.CodeReplaced, true)
	anna.ends(protocol.CloseCode(protocol.CodeReplaced))
	next(tutor, "the candidate again", func(m protocol.PeerJoined) bool {
		return m.Peer.ParticipantID == "candidate"
	})
	again.say(protocol.Start{})
	tutor.phase(protocol.PhasePlaying, true)

	failed := s.dial(nil) // a join that cannot be used replaces nobody
	failed.say(protocol.Join{
		Version: 1, Ticket: s.ticket(id, "anna", store.ParticipantCandidate), Offer: "v=0",
	})
	failed.refused(protocol.CodeBadSDP, true)
	again.say(protocol.Finish{})
	tutor.phase(protocol.PhaseEnded, false)
}

func TestTheEndOfASessionEndsItsSockets(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	s.hub.EndSession("session of tutor", "you signed out")
	if e := tutor.refused(protocol.CodeSessionEnded, true); e.Message != "you signed out" {
		t.Errorf("%+v", e)
	}
	tutor.ends(protocol.CloseCode(protocol.CodeSessionEnded))
	next(anna, "the patient's leave", func(m protocol.PeerLeft) bool {
		return m.ParticipantID == "patient"
	})
	c := s.resume(tutor, tutor.joined.ResumeToken)
	c.refused(protocol.CodeResumeUnknown, true)
}

// TestASessionThatEndsWhileItsUserComesIn ends between the ticket and the place, when there is no
// socket to close yet.
func TestASessionThatEndsWhileItsUserComesIn(t *testing.T) {
	w := newWorld(t, 180, 300)
	s := serve(t, w, Config{})
	id := s.attempt("play-1")
	w.set(func() { w.ended["session of tutor"] = true })
	tutor := s.dial(nil)
	tutor.say(protocol.Join{
		Version: protocol.Version, Ticket: s.ticket(id, "tutor", store.ParticipantPatient),
		Offer: tutor.offer(true),
	})
	tutor.refused(protocol.CodeSessionEnded, true)
	tutor.ends(protocol.CloseCode(protocol.CodeSessionEnded))
}

func TestALostParticipantGoesWhenTheGraceIsOver(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{Grace: 50 * time.Millisecond})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	tutor := s.join(id, "tutor", store.ParticipantPatient)
	tutor.drop()
	next(anna, "the patient's leave", func(m protocol.PeerLeft) bool {
		return m.ParticipantID == "patient"
	})
	c := s.resume(tutor, tutor.joined.ResumeToken)
	c.refused(protocol.CodeResumeUnknown, true)
}
