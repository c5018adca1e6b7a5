package signaling

import (
	"testing"

	"bedside/signaling/protocol"
	"bedside/store"
)

func TestRolePlayFromJoinToReport(t *testing.T) {
	s := serve(t, newWorld(t, 180, 300), Config{})
	id := s.attempt("play-1")
	anna := s.join(id, "anna", store.ParticipantCandidate)
	if j := anna.joined; j.ParticipantID != "candidate" || j.RoomID != id ||
		j.Role != protocol.RoleCandidate || j.Phase.Name != protocol.PhasePreparing ||
		j.Phase.Running || j.Phase.RemainingMS != 180_000 || len(j.Peers) != 0 {
		t.Errorf("joined: %+v", j)
	}
	s.wantRecorded("prepare")
	anna.wantPhase(protocol.PhasePreparing, true)

	tutor := s.join(id, "tutor", store.ParticipantPatient)
	if p := tutor.joined.Peers; len(p) != 1 || p[0] != (protocol.Peer{
		ParticipantID: "candidate", Name: "Name of anna", Role: protocol.RoleCandidate,
		Connected: true,
	}) {
		t.Errorf("peers: %+v", p)
	}
	next(anna, "the patient", func(m protocol.PeerJoined) bool {
		return m.Peer.ParticipantID == "patient"
	})
	next(anna, "the patient's media", func(m protocol.PeerUpdated) bool {
		return m.Peer.Connected
	})
	anna.answerNextOffer()
	if track := await(t, "the patient's track", anna.tracks); track.StreamID() != "patient" {
		t.Errorf("stream of %s", track.StreamID())
	}

	anna.send(protocol.Start{})
	if p := tutor.wantPhase(protocol.PhasePlaying, true); p.RemainingMS != 300_000 {
		t.Errorf("play: %+v", p)
	}
	tutor.send(protocol.Mute{Muted: true})
	next(anna, "the mute", func(m protocol.PeerUpdated) bool { return m.Peer.Muted })
	tutor.send(protocol.Finish{})
	for _, c := range []*client{anna, tutor} {
		if p := c.wantPhase(protocol.PhaseEnded, false); p.Reason != protocol.ReasonFinished {
			t.Errorf("end: %+v", p)
		}
	}
	got := map[string]bool{}
	for range 4 {
		got[await(t, "the end in the log", s.log)] = true
	}
	for _, want := range []string{"start", "begin audio", "finish audio", "finish"} {
		if !got[want] {
			t.Errorf("%s was not recorded", want)
		}
	}
	s.report(id, "")
	for _, c := range []*client{anna, tutor} {
		if r := next[protocol.Report](c, "the report",
			nil); r.Status != protocol.ReportReady || r.AttemptID != id {
			t.Errorf("report: %+v", r)
		}
		next[protocol.Closing](c, "the closing message", nil)
		c.wantClose(1000)
	}
}
