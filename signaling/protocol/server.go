package protocol

// Joined answers Join.
type Joined struct {
	// ParticipantID of the receiver.
	ParticipantID string `json:"participant_id"`
	// RoomID is the attempt's id.
	RoomID string `json:"room_id"`
	// Role of the receiver.
	Role Role `json:"role"`
	// Answer is the SDP answer to the join's offer, with all candidates.
	Answer string `json:"answer"`
	// ResumeToken brings the place back on a new socket.
	ResumeToken string `json:"resume_token"`
	// GraceMS is how long a lost participant's place is kept, in milliseconds.
	GraceMS int64 `json:"grace_ms"`
	// Phase of the room.
	Phase Phase `json:"phase"`
	// Peers are the others in the room.
	Peers []Peer `json:"peers"`
}

// Resumed answers Resume.
type Resumed struct {
	// ResumeToken replaces the one that was used.
	ResumeToken string `json:"resume_token"`
	// Phase of the room.
	Phase Phase `json:"phase"`
	// Peers are the others in the room.
	Peers []Peer `json:"peers"`
}

// Offer is a server's offer, to be answered before the next comes.
type Offer struct {
	// OfferID goes into the answer.
	OfferID uint64 `json:"offer_id"`
	// SDP of the offer. The stream id of a track is its publisher's participant id.
	SDP string `json:"sdp"`
}

// PhaseChanged tells that the phase, or the running of its clock, has changed.
type PhaseChanged struct {
	// Phase from now on.
	Phase Phase `json:"phase"`
}

// PeerJoined tells of a new participant.
type PeerJoined struct {
	// Peer that joined.
	Peer Peer `json:"peer"`
}

// PeerUpdated tells that a participant has muted or unmuted, or lost or found its connection.
type PeerUpdated struct {
	// Peer as it is now.
	Peer Peer `json:"peer"`
}

// PeerLeft tells that a participant has gone for good.
type PeerLeft struct {
	// ParticipantID of who has gone.
	ParticipantID string `json:"participant_id"`
	// Reason, for people.
	Reason string `json:"reason"`
}

// Speaking tells who is speaking, loudest first, when that changes.
type Speaking struct {
	// Speakers who are heard now; empty when nobody is.
	Speakers []Speaker `json:"speakers"`
}

// Report tells that the attempt's report is there, or that there will be none.
type Report struct {
	// AttemptID of the report.
	AttemptID string `json:"attempt_id"`
	// Status of the report.
	Status ReportStatus `json:"status"`
	// Problem says why it failed, for people.
	Problem string `json:"problem,omitempty"`
}

// Error tells that something the client asked for was refused. A fatal one is followed by the
// socket's close.
type Error struct {
	// Code of the error, as PROTOCOL.md lists them.
	Code ErrorCode `json:"code"`
	// Message for people: what is wrong and what to do.
	Message string `json:"message"`
	// Fatal is true when the socket closes next.
	Fatal bool `json:"fatal"`
}

// Closing tells that the server is about to close the socket, for a reason that is not the
// client's fault.
type Closing struct {
	// Reason, for people.
	Reason string `json:"reason"`
}

// Pong answers Ping.
type Pong struct {
	// ID of the ping.
	ID uint64 `json:"id"`
}

// Peer is another participant.
type Peer struct {
	// ParticipantID is the stream id of its track too.
	ParticipantID string `json:"participant_id"`
	// Name for people.
	Name string `json:"name"`
	// Role in the room.
	Role Role `json:"role"`
	// Muted microphone.
	Muted bool `json:"muted"`
	// Connected media; false while it is lost and its place is kept.
	Connected bool `json:"connected"`
}

// Phase of a role play.
type Phase struct {
	// Name of the phase.
	Name PhaseName `json:"name"`
	// RemainingMS of the phase when the message was sent, in milliseconds.
	RemainingMS int64 `json:"remaining_ms"`
	// Running is false while the clock is stopped.
	Running bool `json:"running"`
	// Reason for an end, or for a stopped clock.
	Reason PhaseReason `json:"reason,omitempty"`
}

// Speaker is somebody who is heard.
type Speaker struct {
	// ParticipantID of the speaker.
	ParticipantID string `json:"participant_id"`
	// Level from 0 (silence) to 1.
	Level float64 `json:"level"`
}

// Role is the part somebody takes in a room.
type Role string

// The roles.
const (
	RoleCandidate Role = "candidate"
	RolePatient   Role = "patient"
	RoleObserver  Role = "observer"
)

// PhaseName names a phase.
type PhaseName string

// The phases, in order.
const (
	PhasePreparing PhaseName = "preparing"
	PhasePlaying   PhaseName = "playing"
	PhaseEnded     PhaseName = "ended"
)

// PhaseReason says why a phase ended or its clock stands still.
type PhaseReason string

// The reasons.
const (
	ReasonTime          PhaseReason = "time"           // ended: the time was up
	ReasonFinished      PhaseReason = "finished"       // ended: candidate or patient finished
	ReasonCandidateLeft PhaseReason = "candidate_left" // ended: the candidate has gone
	ReasonServerClosing PhaseReason = "server_closing" // ended: the server is shutting down
	// stopped: the candidate's connection is lost
	ReasonCandidateAway PhaseReason = "candidate_away"
	// stopped at zero: preparation is over, nobody plays the patient yet
	ReasonWaitingPatient PhaseReason = "waiting_patient"
)

// ReportStatus of an attempt's report.
type ReportStatus string

// The statuses.
const (
	ReportReady  ReportStatus = "ready"
	ReportFailed ReportStatus = "failed"
)

// ErrorCode of an Error.
type ErrorCode string

// The codes.
const (
	CodeBadMessage    ErrorCode = "bad_message"    // not JSON, unknown type, bad field
	CodeTooLarge      ErrorCode = "too_large"      // message or SDP over the limit
	CodeRate          ErrorCode = "rate"           // too many messages or connections
	CodeTicketInvalid ErrorCode = "ticket_invalid" // not a ticket of this server
	CodeTicketExpired ErrorCode = "ticket_expired" // get a new one
	CodeTicketUsed    ErrorCode = "ticket_used"    // somebody has used it before
	CodeResumeUnknown ErrorCode = "resume_unknown" // the place is gone: join anew
	// not possible in this phase, or not by this role
	CodeWrongState   ErrorCode = "wrong_state"
	CodeRoomFull     ErrorCode = "room_full"     // no place left, or the role is taken
	CodeRoomClosed   ErrorCode = "room_closed"   // the attempt has ended
	CodeBadSDP       ErrorCode = "bad_sdp"       // offer, answer or candidate cannot be used
	CodeReplaced     ErrorCode = "replaced"      // the same participant came on another socket
	CodeSessionEnded ErrorCode = "session_ended" // the device was signed out
	// the client did not read its messages, or did not answer pings
	CodeSlow        ErrorCode = "slow"
	CodeUnavailable ErrorCode = "unavailable" // the server cannot do this now; try again
)

func (Joined) serverType() string       { return "joined" }
func (Resumed) serverType() string      { return "resumed" }
func (Offer) serverType() string        { return "offer" }
func (PhaseChanged) serverType() string { return "phase" }
func (PeerJoined) serverType() string   { return "peer_joined" }
func (PeerUpdated) serverType() string  { return "peer_updated" }
func (PeerLeft) serverType() string     { return "peer_left" }
func (Speaking) serverType() string     { return "speaking" }
func (Report) serverType() string       { return "report" }
func (Error) serverType() string        { return "error" }
func (Closing) serverType() string      { return "closing" }
func (Pong) serverType() string         { return "pong" }

// serverMessages is the registry: one value of every message that the hub may send, in the order
// of PROTOCOL.md.
func serverMessages() []ServerMessage {
	return []ServerMessage{
		Joined{}, Resumed{}, Offer{}, PhaseChanged{}, PeerJoined{}, PeerUpdated{}, PeerLeft{}, Speaking{}, Report{},
		Error{}, Closing{}, Pong{},
	}
}
