package sfu

import "errors"

// Errors of joins and requests. The reasons that Handler.Gone receives are below.
var (
	// ErrDraining is returned for a room or join after Node.Close was called. It is also the
	// reason for participants that Close removes.
	ErrDraining = errors.New("this media server is shutting down")
	// ErrTooManyRooms is returned when the node has Config.MaxRooms rooms.
	ErrTooManyRooms = errors.New("this media server has reached its limit of rooms")
	// ErrTooManyParticipants is returned for a join to a room with Config.MaxParticipants members.
	ErrTooManyParticipants = errors.New("the room is full")
	// ErrRoomClosed is returned for a join to a Room that left the node and was replaced.
	ErrRoomClosed = errors.New("the room has been replaced by another with the same id")
	// ErrBadID is returned for a room or participant id with other characters.
	ErrBadID = errors.New("an id must be 1 to 64 letters, digits, '-', '_', '.' or ':'")
	// ErrIDTaken is returned for a source with the id of a member or of another source.
	ErrIDTaken = errors.New("a participant of the room has this id")
	// ErrBadSDP is returned for an offer or answer that is invalid or not allowed.
	ErrBadSDP = errors.New("invalid session description")
	// ErrBadCandidate is returned for an ICE candidate that Pion cannot parse.
	ErrBadCandidate = errors.New("invalid ICE candidate")
	// ErrTooManyCandidates is returned when a client sends too many in a description, or between
	// two ICE restarts.
	ErrTooManyCandidates = errors.New("more ICE candidates than a participant may send")
	// ErrStaleAnswer is returned for an answer with the id of another offer.
	ErrStaleAnswer = errors.New("the answer is not for the outstanding offer")
	// ErrClosedByClient is returned for an ICE restart after the client closed its connection.
	ErrClosedByClient = errors.New("the client has closed its connection: it must join again")
	// ErrGone is returned by the methods of a participant that has left.
	ErrGone = errors.New("the participant has left the room")
)

// Reasons for which a participant is gone, besides ErrDraining.
var (
	// ErrLeft is the reason after Leave(nil).
	ErrLeft = errors.New("left")
	// ErrReplaced is the reason when a participant with the same id has joined.
	ErrReplaced = errors.New("the same participant joined again")
	// ErrGraceExpired is the reason when the connection was lost for longer than the grace period.
	ErrGraceExpired = errors.New("connection lost for too long")
	// ErrTooManyStreams is the reason when the client sends under too many SSRCs.
	ErrTooManyStreams = errors.New("the client sends more streams than it declared")
)
