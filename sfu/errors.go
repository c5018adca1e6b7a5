package sfu

import "errors"

// What can go wrong, for errors.Is. ErrGraceExpired, ErrReplaced, ErrLeft, ErrDraining and
// ErrTooManyStreams also come as the reason of Handler.Gone.
var (
	ErrDraining            = errors.New("this media server is shutting down")
	ErrTooManyRooms        = errors.New("this media server holds as many rooms as it may")
	ErrTooManyParticipants = errors.New("the room is full")
	ErrRoomClosed          = errors.New("the room has been replaced by another with the same id")
	ErrBadID               = errors.New("an id must be 1 to 64 letters, digits, '-', '_', '.' or ':'")
	ErrBadSDP              = errors.New("the session description cannot be used")
	ErrBadCandidate        = errors.New("the ICE candidate cannot be used")
	ErrTooManyCandidates   = errors.New("more ICE candidates than a participant may send")
	ErrStaleAnswer         = errors.New("the answer is not for the outstanding offer")
	ErrClosedByClient      = errors.New("the client has closed its connection: it must join again")
	ErrGone                = errors.New("the participant has left the room")
	ErrLeft                = errors.New("left")
	ErrReplaced            = errors.New("the same participant joined again")
	ErrGraceExpired        = errors.New("connection lost for too long")
	ErrTooManyStreams      = errors.New("the client sends more streams than it declared")
)
