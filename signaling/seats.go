package signaling

import (
	"maps"
	"slices"

	"bedside/signaling/protocol"
	"bedside/store"
)

// seats records who takes which role in a room. It is pure, as stage is: no I/O, no clock, no
// sockets. The room's loop owns it.
//
// A room has one candidate, one patient and any number of observers. The candidate's and the
// patient's participant id is the name of the role, which is also the speaker's name in the
// analysis. An observer's id is "observer-" and a suffix. A user who joins in the same role again
// replaces their earlier self.
type seats struct {
	candidateUser string           // the user whose attempt this is
	newSuffix     func() string    // for an observer's id
	taken         map[string]*seat // by participant id
}

// seat is one participant's place in a room. A seat that was left or replaced is not used again.
type seat struct {
	id        string // participant id
	join      store.Join
	connected bool // media
	met       bool // the media was connected at least once
	muted     bool
	hidden    bool // the client's page is in the background
	left      bool
	automatic bool // nobody's: the automatic patient's
}

func newSeats(candidateUser string, newSuffix func() string) *seats {
	return &seats{candidateUser: candidateUser, newSuffix: newSuffix, taken: map[string]*seat{}}
}

// assign returns the seat that a ticket allows, without occupying it. It returns a clientError
// when the role is for another user, is taken by another user, or does not exist.
func (s *seats) assign(join store.Join) (*seat, error) {
	switch join.Role {
	case store.ParticipantCandidate:
		if join.UserID != s.candidateUser {
			return nil, fatalError(protocol.CodeTicketInvalid,
				"this role play belongs to another candidate")
		}
		return &seat{id: string(join.Role), join: join}, nil
	case store.ParticipantPatient:
		if t := s.taken[string(join.Role)]; t != nil && !t.automatic &&
			t.join.UserID != join.UserID {
			return nil, fatalError(protocol.CodeRoomFull,
				"somebody else plays the patient in this room already")
		}
		return &seat{id: string(join.Role), join: join}, nil
	case store.ParticipantObserver:
		for id, t := range s.taken {
			if t.join.Role == join.Role && t.join.UserID == join.UserID {
				return &seat{id: id, join: join}, nil
			}
		}
		return &seat{id: "observer-" + s.newSuffix(), join: join}, nil
	}
	return nil, fatalError(protocol.CodeTicketInvalid, "the ticket is for an unknown role")
}

// occupy puts an assigned seat into the room and returns the seat that it replaces, if any. The
// replaced seat still has to be released.
func (s *seats) occupy(t *seat) (replaced *seat) {
	replaced = s.taken[t.id]
	s.taken[t.id] = t
	return replaced
}

// release marks a seat as left. It reports whether the participant is no longer in the room: false
// for a seat that was left before, was replaced, or was never occupied.
func (s *seats) release(t *seat) (vacant bool) {
	t.left = true
	if s.taken[t.id] != t {
		return false
	}
	delete(s.taken, t.id)
	return true
}

// setConnected records that a participant's media is connected or lost. It reports whether that is
// a change.
func (s *seats) setConnected(t *seat, connected bool) (changed bool) {
	if t.left || t.connected == connected {
		return false
	}
	t.connected, t.met = connected, t.met || connected
	return true
}

// setMuted records that a participant muted or unmuted. It returns a clientError for an observer,
// who has no microphone.
func (s *seats) setMuted(t *seat, muted bool) (changed bool, err error) {
	if !t.publishes() {
		return false, recoverableError(protocol.CodeWrongState,
			"an observer has no microphone to mute")
	}
	changed = t.muted != muted
	t.muted = muted
	return changed, nil
}

// setHidden records that a participant's page went to the background or came back. It returns a
// clientError for an observer.
func (s *seats) setHidden(t *seat, hidden bool) error {
	if !t.publishes() {
		return recoverableError(protocol.CodeWrongState,
			"an observer's page may be hidden: nothing is recorded of it")
	}
	t.hidden = hidden
	return nil
}

// candidateConnected reports whether the candidate is in the room with media connected.
func (s *seats) candidateConnected() bool {
	t := s.taken[string(store.ParticipantCandidate)]
	return t != nil && t.connected
}

// candidatePresent reports whether the candidate has a seat, connected or not.
func (s *seats) candidatePresent() bool {
	return s.taken[string(store.ParticipantCandidate)] != nil
}

// patient returns the state of the patient's role. An automatic patient who was not ready yet is
// absent: the play does not start without one.
func (s *seats) patient() patientState {
	t := s.taken[string(store.ParticipantPatient)]
	switch {
	case t == nil || t.automatic && !t.met:
		return patientAbsent
	case t.connected:
		return patientConnected
	case t.met:
		return patientLost
	}
	return patientJoining
}

// empty reports whether nobody has a seat. The automatic patient is nobody.
func (s *seats) empty() bool {
	for _, t := range s.taken {
		if !t.automatic {
			return false
		}
	}
	return true
}

// peers lists everybody except one, sorted by participant id.
func (s *seats) peers(except *seat) []protocol.Peer {
	peers := []protocol.Peer{}
	for _, id := range slices.Sorted(maps.Keys(s.taken)) {
		if t := s.taken[id]; t != except {
			peers = append(peers, t.peer())
		}
	}
	return peers
}

// people lists everybody except an automatic patient, for the presence of the room, sorted by
// participant id.
func (s *seats) people() []store.RoomPerson {
	people := []store.RoomPerson{}
	for _, id := range slices.Sorted(maps.Keys(s.taken)) {
		t := s.taken[id]
		if t.automatic {
			continue
		}
		people = append(people, store.RoomPerson{
			UserID: t.join.UserID, Name: t.join.Name, Role: t.join.Role, Connected: t.connected,
		})
	}
	return people
}

// peer describes the seat's participant to the others.
func (t *seat) peer() protocol.Peer {
	return protocol.Peer{
		ParticipantID: t.id, Name: t.join.Name, AvatarURL: t.join.AvatarURL,
		Role: protocol.Role(t.join.Role), Muted: t.muted, Connected: t.connected,
	}
}

// publishes reports whether the participant sends audio. Observers only listen.
func (t *seat) publishes() bool { return t.join.Role != store.ParticipantObserver }

// checkStart returns a clientError unless the participant may start the play in this phase.
func (t *seat) checkStart(phase protocol.PhaseName) error {
	switch {
	case t.join.Role != store.ParticipantCandidate:
		return recoverableError(protocol.CodeWrongState, "only the candidate may start the play")
	case phase != protocol.PhasePreparing:
		return recoverableError(protocol.CodeWrongState, "the play has started already")
	}
	return nil
}

// checkFinish returns a clientError unless the participant may end the play in this phase.
func (t *seat) checkFinish(phase protocol.PhaseName) error {
	switch {
	case !t.publishes():
		return recoverableError(protocol.CodeWrongState, "an observer cannot end the role play")
	case phase != protocol.PhasePlaying:
		return recoverableError(protocol.CodeWrongState,
			"there is no play to finish: the room is "+string(phase))
	}
	return nil
}
