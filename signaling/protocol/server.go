package protocol

// Joined answers Join.
type Joined struct {
	// ParticipantID is the id of the receiver.
	ParticipantID string `json:"participant_id"`
	// RoomID is the attempt's id.
	RoomID string `json:"room_id"`
	// Role is the role of the receiver.
	Role Role `json:"role"`
	// Answer is the SDP answer to the join's offer, with all candidates.
	Answer string `json:"answer"`
	// ResumeToken takes the seat again on a new socket.
	ResumeToken string `json:"resume_token"`
	// GraceMS is the grace period, in milliseconds: how long the seat of a lost participant is
	// kept.
	GraceMS int64 `json:"grace_ms"`
	// Phase is the current phase.
	Phase Phase `json:"phase"`
	// Peers are the others in the room.
	Peers []Peer `json:"peers"`
}

// Resumed answers Resume.
type Resumed struct {
	// ResumeToken is for the next resume. The token just used stays valid until then.
	ResumeToken string `json:"resume_token"`
	// Phase is the current phase.
	Phase Phase `json:"phase"`
	// Peers are the others in the room.
	Peers []Peer `json:"peers"`
}

// Offer is an SDP offer of the server. The next offer is sent after this one is answered.
type Offer struct {
	// OfferID is to be repeated in the answer.
	OfferID uint64 `json:"offer_id"`
	// SDP is the offer. The stream id of a track is its publisher's participant id.
	SDP string `json:"sdp"`
}

// PhaseChanged is sent when the phase has changed, or its clock has started or stopped.
type PhaseChanged struct {
	// Phase is the new phase.
	Phase Phase `json:"phase"`
}

// PeerJoined is sent when a participant has joined.
type PeerJoined struct {
	// Peer is the new participant.
	Peer Peer `json:"peer"`
}

// PeerUpdated is sent when a participant has muted or unmuted, or its media was connected or lost.
type PeerUpdated struct {
	// Peer is the participant's new state.
	Peer Peer `json:"peer"`
}

// PeerLeft is sent when a participant is gone for good.
type PeerLeft struct {
	// ParticipantID is the id of that participant.
	ParticipantID string `json:"participant_id"`
	// Reason is a text for people.
	Reason string `json:"reason"`
}

// Speaking lists who is speaking, loudest first. It is sent when that changes.
type Speaking struct {
	// Speakers is empty when nobody speaks.
	Speakers []Speaker `json:"speakers"`
}

// Patient tells the state of the automatic patient. It is sent when that changes, and after joined
// and resumed in the room of an attempt with an automatic patient.
type Patient struct {
	// State is the state.
	State PatientState `json:"state"`
	// Place is the place in the queue, from 1 on, while the state is queued.
	Place int `json:"place,omitempty"`
	// Mood is the emotion that the portrait shows.
	Mood string `json:"mood,omitempty"`
	// OfferTyping is true when the patient has not understood several times, so that the page
	// should offer the button to talk and typing.
	OfferTyping bool `json:"offer_typing,omitempty"`
	// Recogniser is the name of what hears the candidate.
	Recogniser string `json:"recogniser,omitempty"`
}

// Caption is what a participant says. It is sent in practice mode, and in exam mode to candidates
// whose accommodations include captions.
type Caption struct {
	// ParticipantID is the id of the speaker.
	ParticipantID string `json:"participant_id"`
	// Text replaces the text of the speaker's earlier caption, unless that was final.
	Text string `json:"text"`
	// Final is true when the text does not change any more.
	Final bool `json:"final"`
	// Cut is true when the speaker was interrupted before the end of the text.
	Cut bool `json:"cut,omitempty"`
}

// Hint answers a Control that asked for a hint.
type Hint struct {
	// Text says what the candidate might do next.
	Text string `json:"text"`
}

// Report is sent when the attempt's report is ready, or when it is clear that there will be none.
type Report struct {
	// AttemptID is the attempt of the report.
	AttemptID string `json:"attempt_id"`
	// Status is ready or failed.
	Status ReportStatus `json:"status"`
	// Problem says why the report failed, for people.
	Problem string `json:"problem,omitempty"`
}

// Error is sent when the server could not do what the client requested. After a fatal error the
// socket closes.
type Error struct {
	// Code is the error code. PROTOCOL.md lists them.
	Code ErrorCode `json:"code"`
	// Message says what is wrong and what to do, for people.
	Message string `json:"message"`
	// Fatal is true when the socket closes next.
	Fatal bool `json:"fatal"`
}

// Closing is sent before the server closes the socket for a reason other than an error.
type Closing struct {
	// Reason is a text for people.
	Reason string `json:"reason"`
}

// Moving is sent before the server closes the socket because the room moves to another server, or
// waits for this one to be restarted.
type Moving struct {
	// Reason is a text for people.
	Reason string `json:"reason"`
}

// Pong answers Ping.
type Pong struct {
	// ID is the id of the ping.
	ID uint64 `json:"id"`
}

// Peer is another participant.
type Peer struct {
	// ParticipantID is also the stream id of the participant's track.
	ParticipantID string `json:"participant_id"`
	// Name is the user's display name.
	Name string `json:"name"`
	// AvatarURL is where the user's portrait is, for some minutes.
	AvatarURL string `json:"avatar_url,omitempty"`
	// Role is the role in the room.
	Role Role `json:"role"`
	// Muted is true while the microphone is muted.
	Muted bool `json:"muted"`
	// Connected is true while the media is connected.
	Connected bool `json:"connected"`
}

// Phase is the state of a role play's phase and clock.
type Phase struct {
	// Name is the name of the phase.
	Name PhaseName `json:"name"`
	// RemainingMS is the phase's remaining time when the message was sent, in milliseconds.
	RemainingMS int64 `json:"remaining_ms"`
	// Running is false while the clock is stopped.
	Running bool `json:"running"`
	// Reason says why the role play ended, or why the clock is stopped.
	Reason PhaseReason `json:"reason,omitempty"`
	// EndsInMS is when a play ends by itself whose clock is stopped because somebody is away, in
	// milliseconds.
	EndsInMS int64 `json:"ends_in_ms,omitempty"`
}

// Speaker is a participant who is speaking.
type Speaker struct {
	// ParticipantID is the id of the speaker.
	ParticipantID string `json:"participant_id"`
	// Level is the loudness, from 0 (silence) to 1.
	Level float64 `json:"level"`
}

// Role is a participant's role in a room.
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

// PhaseReason says why a role play ended or why its clock is stopped.
type PhaseReason string

// The reasons.
const (
	ReasonTime          PhaseReason = "time"           // ended: the time was up
	ReasonFinished      PhaseReason = "finished"       // ended: candidate or patient finished
	ReasonCandidateLeft PhaseReason = "candidate_left" // ended: the candidate is gone
	// ended: the patient was away for too long
	ReasonPatientLeft PhaseReason = "patient_left"
	// stopped: the candidate's connection is lost
	ReasonCandidateAway PhaseReason = "candidate_away"
	// stopped: the patient's connection is lost, or the patient has left
	ReasonPatientAway PhaseReason = "patient_away"
	// stopped: the room moves to another server, or waits for this one to be restarted
	ReasonMoving PhaseReason = "moving"
	// stopped at zero: nobody plays the patient yet
	ReasonWaitingPatient PhaseReason = "waiting_patient"
	// stopped: the candidate has paused a play with the automatic patient
	ReasonPaused PhaseReason = "paused"
)

// PatientState is the state of the automatic patient.
type PatientState string

// The states of the automatic patient.
const (
	PatientAbsent    PatientState = "absent"    // a person has the role, or nobody
	PatientQueued    PatientState = "queued"    // every place is taken, see Patient.Place
	PatientJoining   PatientState = "joining"   // getting ready
	PatientListening PatientState = "listening" // the candidate may speak
	PatientThinking  PatientState = "thinking"  // the candidate has ended a turn
	PatientSpeaking  PatientState = "speaking"
	PatientPaused    PatientState = "paused" // by the candidate
)

// ControlAction is what a Control does.
type ControlAction string

// The actions.
const (
	ControlPause   ControlAction = "pause"   // stop the clock and the patient
	ControlResume  ControlAction = "resume"  // go on after a pause
	ControlAgain   ControlAction = "again"   // the patient says the last line again
	ControlHint    ControlAction = "hint"    // a Hint follows
	ControlRestart ControlAction = "restart" // the patient begins the consultation again
)

// ReportStatus says whether there is a report.
type ReportStatus string

// The statuses.
const (
	ReportReady  ReportStatus = "ready"
	ReportFailed ReportStatus = "failed"
)

// ErrorCode is the code of an Error.
type ErrorCode string

// The codes.
const (
	CodeBadMessage    ErrorCode = "bad_message"    // not JSON, unknown type, bad field
	CodeTooLarge      ErrorCode = "too_large"      // message or SDP over the limit
	CodeRate          ErrorCode = "rate"           // too many messages or connections
	CodeTicketInvalid ErrorCode = "ticket_invalid" // not a ticket of this server
	CodeTicketExpired ErrorCode = "ticket_expired" // older than a minute
	CodeTicketUsed    ErrorCode = "ticket_used"    // used already
	CodeResumeUnknown ErrorCode = "resume_unknown" // the seat is gone: join again
	// not possible in this phase, or not by this role
	CodeWrongState   ErrorCode = "wrong_state"
	CodeRoomFull     ErrorCode = "room_full"     // no seat left, or the role is taken
	CodeRoomClosed   ErrorCode = "room_closed"   // the attempt has ended
	CodeBadSDP       ErrorCode = "bad_sdp"       // invalid offer, answer or candidate
	CodeReplaced     ErrorCode = "replaced"      // the same participant used another socket
	CodeSessionEnded ErrorCode = "session_ended" // the device was signed out
	// the account or the address has opened as many rooms as it may
	CodeTooManyRooms ErrorCode = "too_many_rooms"
	// the client did not read its messages, or did not answer pings
	CodeSlow ErrorCode = "slow"
	// another node has this room, or shall have it, for example because this one is being stopped;
	// a new ticket names it
	CodeOtherNode   ErrorCode = "other_node"
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
func (Patient) serverType() string      { return "patient" }
func (Caption) serverType() string      { return "caption" }
func (Hint) serverType() string         { return "hint" }
func (Report) serverType() string       { return "report" }
func (Error) serverType() string        { return "error" }
func (Closing) serverType() string      { return "closing" }
func (Moving) serverType() string       { return "moving" }
func (Pong) serverType() string         { return "pong" }

// serverMessages returns one value of every message that the hub sends, in the order of
// PROTOCOL.md.
func serverMessages() []ServerMessage {
	return []ServerMessage{
		Joined{}, Resumed{}, Offer{}, PhaseChanged{}, PeerJoined{}, PeerUpdated{}, PeerLeft{},
		Speaking{}, Patient{}, Caption{}, Hint{}, Report{}, Error{}, Closing{}, Moving{}, Pong{},
	}
}
