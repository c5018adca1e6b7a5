package signaling

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"bedside/signaling/protocol"
	"bedside/store"
)

// newTestSeats makes the seats of anna's attempt. Observers get the suffixes 1, 2, ...
func newTestSeats() *seats {
	n := 0
	return newSeats("anna", func() string { n++; return fmt.Sprint(n) })
}

func joinAs(user string, role store.ParticipantRole) store.Join {
	return store.Join{UserID: user, Name: "Name of " + user, Role: role}
}

// mustTake seats a user who must not be refused.
func mustTake(t *testing.T, s *seats, user string, role store.ParticipantRole) *seat {
	t.Helper()
	got, err := s.assign(joinAs(user, role))
	if err != nil {
		t.Fatalf("%s as %s: %v", user, role, err)
	}
	s.occupy(got)
	return got
}

func TestAssignSeat(t *testing.T) {
	const (
		candidate = store.ParticipantCandidate
		patient   = store.ParticipantPatient
		observer  = store.ParticipantObserver
	)
	type taken struct {
		user string
		role store.ParticipantRole
	}
	for _, c := range []struct {
		what     string
		taken    []taken
		user     string
		role     store.ParticipantRole
		id       string             // expected, unless code is set
		replaces bool               // an earlier seat of the same user
		code     protocol.ErrorCode // of the expected error
	}{
		{what: "the candidate", user: "anna", role: candidate, id: "candidate"},
		{
			what: "the candidate again", taken: []taken{{"anna", candidate}},
			user: "anna", role: candidate, id: "candidate", replaces: true,
		},
		{
			what: "another user as candidate",
			user: "eve", role: candidate, code: protocol.CodeTicketInvalid,
		},
		{
			what: "a patient", taken: []taken{{"anna", candidate}},
			user: "tutor", role: patient, id: "patient",
		},
		{
			what: "the patient again", taken: []taken{{"tutor", patient}},
			user: "tutor", role: patient, id: "patient", replaces: true,
		},
		{
			what: "a second patient", taken: []taken{{"tutor", patient}},
			user: "other", role: patient, code: protocol.CodeRoomFull,
		},
		{what: "an observer", user: "admin", role: observer, id: "observer-1"},
		{
			what: "a second observer", taken: []taken{{"admin", observer}},
			user: "other", role: observer, id: "observer-2",
		},
		{
			what:  "the first of two observers again",
			taken: []taken{{"admin", observer}, {"other", observer}},
			user:  "admin", role: observer, id: "observer-1", replaces: true,
		},
		{
			what: "the patient as observer too", taken: []taken{{"tutor", patient}},
			user: "tutor", role: observer, id: "observer-1",
		},
		{what: "an unknown role", user: "eve", role: "director", code: protocol.CodeTicketInvalid},
		{what: "no role", user: "anna", role: "", code: protocol.CodeTicketInvalid},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := newTestSeats()
			for _, o := range c.taken {
				mustTake(t, s, o.user, o.role)
			}
			got, err := s.assign(joinAs(c.user, c.role))
			if c.code != "" {
				var refused *clientError
				if !errors.As(err, &refused) || refused.Code != c.code || !refused.Fatal {
					t.Fatalf("error %v; want a fatal %s", err, c.code)
				}
				return
			}
			if err != nil || got.id != c.id {
				t.Fatalf("seat %+v, error %v; want id %s", got, err, c.id)
			}
			if len(s.taken) != len(c.taken) {
				t.Error("assign occupied the seat")
			}
			replaced := s.occupy(got)
			if (replaced != nil) != c.replaces {
				t.Errorf("replaced %+v; want a replacement: %v", replaced, c.replaces)
			}
			if replaced != nil && replaced.join.UserID != c.user {
				t.Errorf("replaced %s, another user", replaced.join.UserID)
			}
		})
	}
}

func TestReleaseSeat(t *testing.T) {
	s := newTestSeats()
	first := mustTake(t, s, "anna", store.ParticipantCandidate)
	second := mustTake(t, s, "anna", store.ParticipantCandidate)
	if s.release(first) {
		t.Error("releasing a replaced seat made its part vacant")
	}
	if !first.left || second.left || !s.candidatePresent() {
		t.Error("the replacement has lost the seat")
	}
	unseated, err := s.assign(joinAs("tutor", store.ParticipantPatient))
	if err != nil {
		t.Fatal(err)
	}
	if s.release(unseated) {
		t.Error("a seat that was never occupied became vacant")
	}
	if s.empty() || !s.release(second) || !s.empty() {
		t.Error("the room is not empty after its last seat was released")
	}
	if s.release(second) {
		t.Error("a seat became vacant twice")
	}
	mustTake(t, s, "tutor", store.ParticipantPatient)
	if _, err := s.assign(joinAs("anna", store.ParticipantCandidate)); err != nil {
		t.Errorf("the candidate cannot come back: %v", err)
	}
}

func TestReleasedPatientSeatIsFreeForAnotherTutor(t *testing.T) {
	s := newTestSeats()
	tutor := mustTake(t, s, "tutor", store.ParticipantPatient)
	states := []patientState{s.patient()}
	for _, connected := range []bool{true, false} {
		s.setConnected(tutor, connected)
		states = append(states, s.patient())
	}
	s.release(tutor)
	states = append(states, s.patient())
	if want := []patientState{
		patientJoining, patientConnected, patientLost, patientAbsent,
	}; !slices.Equal(states, want) {
		t.Errorf("the patient was %v; want %v", states, want)
	}
	mustTake(t, s, "other", store.ParticipantPatient)
}

func TestSeatConnection(t *testing.T) {
	s := newTestSeats()
	anna := mustTake(t, s, "anna", store.ParticipantCandidate)
	if s.candidateConnected() || !s.candidatePresent() {
		t.Error("a candidate who has just joined is connected, or not present")
	}
	if !s.setConnected(anna, true) || s.setConnected(anna, true) || !s.candidateConnected() {
		t.Error("connecting was no change, was a change twice, or had no effect")
	}
	mustTake(t, s, "anna", store.ParticipantCandidate)
	if s.candidateConnected() {
		t.Error("a replacement is connected before its media is")
	}
	s.release(anna)
	if s.setConnected(anna, false) {
		t.Error("the media of a seat that was left is still followed")
	}
}

func TestPeersAndPeople(t *testing.T) {
	s := newTestSeats()
	if p := s.peers(nil); p == nil || len(p) != 0 {
		t.Errorf("peers of an empty room: %#v; want an empty list", p)
	}
	if p := s.people(); p == nil || len(p) != 0 {
		t.Errorf("people of an empty room: %#v; want an empty list", p)
	}
	tutor := mustTake(t, s, "tutor", store.ParticipantPatient)
	admin := mustTake(t, s, "admin", store.ParticipantObserver)
	anna := mustTake(t, s, "anna", store.ParticipantCandidate)
	anna.join.AvatarURL = "/api/media/of-anna"
	s.setConnected(tutor, true)
	if _, err := s.setMuted(tutor, true); err != nil {
		t.Fatal(err)
	}
	want := []protocol.Peer{
		{
			ParticipantID: "candidate", Name: "Name of anna", AvatarURL: "/api/media/of-anna",
			Role: protocol.RoleCandidate,
		},
		{ParticipantID: "observer-1", Name: "Name of admin", Role: protocol.RoleObserver},
		{
			ParticipantID: "patient", Name: "Name of tutor", Role: protocol.RolePatient,
			Muted: true, Connected: true,
		},
	}
	if got := s.peers(nil); !slices.Equal(got, want) {
		t.Errorf("everybody: %+v; want %+v", got, want)
	}
	if got := s.peers(admin); !slices.Equal(got, []protocol.Peer{want[0], want[2]}) {
		t.Errorf("the observer's peers: %+v", got)
	}
	if got := s.peers(anna); !slices.Equal(got, want[1:]) {
		t.Errorf("the candidate's peers: %+v", got)
	}
	if got, want := s.people(), []store.RoomPerson{
		{UserID: "anna", Name: "Name of anna", Role: store.ParticipantCandidate},
		{UserID: "admin", Name: "Name of admin", Role: store.ParticipantObserver},
		{
			UserID: "tutor", Name: "Name of tutor", Role: store.ParticipantPatient,
			Connected: true,
		},
	}; !slices.Equal(got, want) {
		t.Errorf("people: %+v; want %+v", got, want)
	}
}

func TestWhatEachRoleMayDo(t *testing.T) {
	for _, c := range []struct {
		role                           store.ParticipantRole
		publishes, mutes               bool
		startsPreparing, startsPlaying bool
		finishPreparing, finishPlaying bool
	}{
		{
			role: store.ParticipantCandidate, publishes: true, mutes: true,
			startsPreparing: true, finishPlaying: true,
		},
		{role: store.ParticipantPatient, publishes: true, mutes: true, finishPlaying: true},
		{role: store.ParticipantObserver},
	} {
		t.Run(string(c.role), func(t *testing.T) {
			s := newTestSeats()
			p := mustTake(t, s, "anna", c.role)
			check := func(what string, err error, allowed bool) {
				t.Helper()
				var refused *clientError
				if allowed != (err == nil) || err != nil && (!errors.As(err, &refused) ||
					refused.Code != protocol.CodeWrongState || refused.Fatal) {
					t.Errorf("%s: %v; want allowed: %v", what, err, allowed)
				}
			}
			if p.publishes() != c.publishes {
				t.Errorf("publishes: %v", p.publishes())
			}
			changed, err := s.setMuted(p, true)
			check("mute", err, c.mutes)
			if changed != c.mutes || p.muted != c.mutes {
				t.Errorf("changed %v, muted %v", changed, p.muted)
			}
			if changed, _ := s.setMuted(p, true); changed {
				t.Error("muting twice was a change twice")
			}
			check("start while preparing", p.checkStart(protocol.PhasePreparing),
				c.startsPreparing)
			check("start while playing", p.checkStart(protocol.PhasePlaying), c.startsPlaying)
			check("finish while preparing", p.checkFinish(protocol.PhasePreparing),
				c.finishPreparing)
			check("finish while playing", p.checkFinish(protocol.PhasePlaying), c.finishPlaying)
			check("finish after the end", p.checkFinish(protocol.PhaseEnded), false)
		})
	}
}
