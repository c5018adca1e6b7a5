// Generated from the Go structs of signaling/protocol by go generate. Do not edit.

/** Join is the first message of a new participant. Only Join and Resume are accepted as a first message. */
export interface Join {
	type: 'join'
	/** Version is the protocol version of the client. */
	version: number
	/** Ticket is from POST /api/attempts/{id}/ticket. It works once, within a minute. */
	ticket: string
	/** Offer is the SDP of the client's PeerConnection, with one audio section that sends, or for an observer one that only receives. */
	offer: string
}

/** Resume is the first message on a new socket of a participant whose old socket was lost. It takes the same seat again; the media is not affected. */
export interface Resume {
	type: 'resume'
	/** Token is the resume token of joined, or of the last resumed. */
	token: string
	/** RestartICE requests an offer with an ICE restart, for a client whose network has changed. */
	restart_ice?: boolean
}

/** Answer answers an Offer. */
export interface Answer {
	type: 'answer'
	/** OfferID is the id of the offer. */
	offer_id: number
	/** SDP is the answer. */
	sdp: string
}

/** Candidate is an additional ICE candidate of the client. Those in the SDP need not be repeated. */
export interface Candidate {
	type: 'candidate'
	/** Candidate is the line without "a="; empty at the end of candidates. */
	candidate: string
	/** SDPMid identifies the section that the candidate belongs to. */
	sdp_mid?: string
	/** SDPMLineIndex is the index of that section. */
	sdp_m_line_index?: number
}

/** RestartICE requests an offer with an ICE restart, for a client whose media connection fails. */
export interface RestartICE {
	type: 'restart_ice'
}

/** Mute informs the others that the sender has muted or unmuted the microphone. */
export interface Mute {
	type: 'mute'
	/** Muted is the new state. */
	muted: boolean
}

/** Hidden tells that the sender's page went to the background, where a browser may stop its microphone, or came back. */
export interface Hidden {
	type: 'hidden'
	/** Hidden is the new state. */
	hidden: boolean
}

/** Sent tells how many packets the sender has sent on one RTP stream of this play. After a lost connection the count tells what was lost with it. It may be sent again. */
export interface Sent {
	type: 'sent'
	/** SSRC identifies the stream: that of this connection or of an earlier one. */
	ssrc: number
	/** Packets counts from the beginning of the stream, without retransmissions. */
	packets: number
}

/** Start ends the preparation and begins the play. Only the candidate may send it. */
export interface Start {
	type: 'start'
}

/** Finish ends the play. The candidate and the patient may send it. */
export interface Finish {
	type: 'finish'
}

/** CallPatient asks for the automatic patient, after a person who played the patient has left. Only the candidate may send it. */
export interface CallPatient {
	type: 'call_patient'
}

/** Typed says something to the automatic patient by typing. Only the candidate may send it, and not in exam mode. */
export interface Typed {
	type: 'typed'
	/** Text is what the candidate says: 1 to 500 characters. */
	text: string
}

/** Talk tells that the candidate holds the button to talk down, or has let it go. Only the candidate may send it, to an automatic patient. */
export interface Talk {
	type: 'talk'
	/** On is the new state. */
	on: boolean
}

/** Heard tells what the browser's own recogniser has heard of the candidate. Only the candidate may send it, to an automatic patient. */
export interface Heard {
	type: 'heard'
	/** Words are at most 100. */
	words: HeardWord[]
	/** Final is true when the recogniser does not change these words any more. */
	final: boolean
}

/** HeardWord is a word that the browser's recogniser has heard. */
export interface HeardWord {
	/** Text is the word: at most 100 bytes. */
	text: string
	/** FromMS is when the word began, in milliseconds of the play. */
	from_ms: number
	/** ToMS is when the word ended. */
	to_ms: number
	/** Confidence is from 0 to 1. */
	confidence: number
}

/** Control changes the course of a play with the automatic patient. Only the candidate may send it, and not in exam mode. */
export interface Control {
	type: 'control'
	/** Action is what to do. */
	action: ControlAction
}

/** Leave gives up the seat, which then cannot be resumed. */
export interface Leave {
	type: 'leave'
}

/** Ping requests a Pong, so that a browser can tell a slow socket from a dead one. */
export interface Ping {
	type: 'ping'
	/** ID is repeated in the pong. */
	id: number
}

/** Joined answers Join. */
export interface Joined {
	type: 'joined'
	/** ParticipantID is the id of the receiver. */
	participant_id: string
	/** RoomID is the attempt's id. */
	room_id: string
	/** Role is the role of the receiver. */
	role: Role
	/** Answer is the SDP answer to the join's offer, with all candidates. */
	answer: string
	/** ResumeToken takes the seat again on a new socket. */
	resume_token: string
	/** GraceMS is the grace period, in milliseconds: how long the seat of a lost participant is kept. */
	grace_ms: number
	/** Phase is the current phase. */
	phase: Phase
	/** Peers are the others in the room. */
	peers: Peer[]
}

/** Resumed answers Resume. */
export interface Resumed {
	type: 'resumed'
	/** ResumeToken is for the next resume. The token just used stays valid until then. */
	resume_token: string
	/** Phase is the current phase. */
	phase: Phase
	/** Peers are the others in the room. */
	peers: Peer[]
}

/** Offer is an SDP offer of the server. The next offer is sent after this one is answered. */
export interface Offer {
	type: 'offer'
	/** OfferID is to be repeated in the answer. */
	offer_id: number
	/** SDP is the offer. The stream id of a track is its publisher's participant id. */
	sdp: string
}

/** PhaseChanged is sent when the phase has changed, or its clock has started or stopped. */
export interface PhaseChanged {
	type: 'phase'
	/** Phase is the new phase. */
	phase: Phase
}

/** PeerJoined is sent when a participant has joined. */
export interface PeerJoined {
	type: 'peer_joined'
	/** Peer is the new participant. */
	peer: Peer
}

/** PeerUpdated is sent when a participant has muted or unmuted, or its media was connected or lost. */
export interface PeerUpdated {
	type: 'peer_updated'
	/** Peer is the participant's new state. */
	peer: Peer
}

/** PeerLeft is sent when a participant is gone for good. */
export interface PeerLeft {
	type: 'peer_left'
	/** ParticipantID is the id of that participant. */
	participant_id: string
	/** Reason is a text for people. */
	reason: string
}

/** Speaking lists who is speaking, loudest first. It is sent when that changes. */
export interface Speaking {
	type: 'speaking'
	/** Speakers is empty when nobody speaks. */
	speakers: Speaker[]
}

/** Patient tells the state of the automatic patient. It is sent when that changes, and after joined and resumed in the room of an attempt with an automatic patient. */
export interface Patient {
	type: 'patient'
	/** State is the state. */
	state: PatientState
	/** Place is the place in the queue, from 1 on, while the state is queued. */
	place?: number
	/** Mood is the emotion that the portrait shows. */
	mood?: string
	/** OfferTyping is true when the patient has not understood several times, so that the page should offer the button to talk and typing. */
	offer_typing?: boolean
	/** Recogniser is the name of what hears the candidate. */
	recogniser?: string
}

/** Caption is what a participant says. It is sent in practice mode, and in exam mode to candidates whose accommodations include captions. */
export interface Caption {
	type: 'caption'
	/** ParticipantID is the id of the speaker. */
	participant_id: string
	/** Text replaces the text of the speaker's earlier caption, unless that was final. */
	text: string
	/** Final is true when the text does not change any more. */
	final: boolean
	/** Cut is true when the speaker was interrupted before the end of the text. */
	cut?: boolean
}

/** Hint answers a Control that asked for a hint. */
export interface Hint {
	type: 'hint'
	/** Text says what the candidate might do next. */
	text: string
}

/** Report is sent when the attempt's report is ready, or when it is clear that there will be none. */
export interface Report {
	type: 'report'
	/** AttemptID is the attempt of the report. */
	attempt_id: string
	/** Status is ready or failed. */
	status: ReportStatus
	/** Problem says why the report failed, for people. */
	problem?: string
}

/** Error is sent when the server could not do what the client requested. After a fatal error the socket closes. */
export interface Error {
	type: 'error'
	/** Code is the error code. PROTOCOL.md lists them. */
	code: ErrorCode
	/** Message says what is wrong and what to do, for people. */
	message: string
	/** Fatal is true when the socket closes next. */
	fatal: boolean
}

/** Closing is sent before the server closes the socket for a reason other than an error. */
export interface Closing {
	type: 'closing'
	/** Reason is a text for people. */
	reason: string
}

/** Moving is sent before the server closes the socket because the room moves to another server, or waits for this one to be restarted. */
export interface Moving {
	type: 'moving'
	/** Reason is a text for people. */
	reason: string
}

/** Pong answers Ping. */
export interface Pong {
	type: 'pong'
	/** ID is the id of the ping. */
	id: number
}

/** Peer is another participant. */
export interface Peer {
	/** ParticipantID is also the stream id of the participant's track. */
	participant_id: string
	/** Name is the user's display name. */
	name: string
	/** AvatarURL is where the user's portrait is, for some minutes. */
	avatar_url?: string
	/** Role is the role in the room. */
	role: Role
	/** Muted is true while the microphone is muted. */
	muted: boolean
	/** Connected is true while the media is connected. */
	connected: boolean
}

/** Phase is the state of a role play's phase and clock. */
export interface Phase {
	/** Name is the name of the phase. */
	name: PhaseName
	/** RemainingMS is the phase's remaining time when the message was sent, in milliseconds. */
	remaining_ms: number
	/** Running is false while the clock is stopped. */
	running: boolean
	/** Reason says why the role play ended, or why the clock is stopped. */
	reason?: PhaseReason
	/** EndsInMS is when a play ends by itself whose clock is stopped because somebody is away, in milliseconds. */
	ends_in_ms?: number
}

/** Speaker is a participant who is speaking. */
export interface Speaker {
	/** ParticipantID is the id of the speaker. */
	participant_id: string
	/** Level is the loudness, from 0 (silence) to 1. */
	level: number
}

export type Role =
	| 'candidate'
	| 'patient'
	| 'observer'

export type PhaseName =
	| 'preparing'
	| 'playing'
	| 'ended'

export type PhaseReason =
	| 'time' // ended: the time was up
	| 'finished' // ended: candidate or patient finished
	| 'candidate_left' // ended: the candidate is gone
	| 'patient_left' // ended: the patient was away for too long
	| 'candidate_away' // stopped: the candidate's connection is lost
	| 'patient_away' // stopped: the patient's connection is lost, or the patient has left
	| 'moving' // stopped: the room moves to another server, or waits for this one to be restarted
	| 'waiting_patient' // stopped at zero: nobody plays the patient yet
	| 'paused' // stopped: the candidate has paused a play with the automatic patient

export type PatientState =
	| 'absent' // a person has the role, or nobody
	| 'queued' // every place is taken, see Patient.Place
	| 'joining' // getting ready
	| 'listening' // the candidate may speak
	| 'thinking' // the candidate has ended a turn
	| 'speaking'
	| 'paused' // by the candidate

export type ControlAction =
	| 'pause' // stop the clock and the patient
	| 'resume' // go on after a pause
	| 'again' // the patient says the last line again
	| 'hint' // a Hint follows
	| 'restart' // the patient begins the consultation again

export type ReportStatus =
	| 'ready'
	| 'failed'

export type ErrorCode =
	| 'bad_message' // not JSON, unknown type, bad field
	| 'too_large' // message or SDP over the limit
	| 'rate' // too many messages or connections
	| 'ticket_invalid' // not a ticket of this server
	| 'ticket_expired' // older than a minute
	| 'ticket_used' // used already
	| 'resume_unknown' // the seat is gone: join again
	| 'wrong_state' // not possible in this phase, or not by this role
	| 'room_full' // no seat left, or the role is taken
	| 'room_closed' // the attempt has ended
	| 'bad_sdp' // invalid offer, answer or candidate
	| 'replaced' // the same participant used another socket
	| 'session_ended' // the device was signed out
	| 'too_many_rooms' // the account or the address has opened as many rooms as it may
	| 'slow' // the client did not read its messages, or did not answer pings
	| 'other_node' // another node has this room, or shall have it, for example because this one is being stopped; a new ticket names it
	| 'unavailable' // the server cannot do this now; try again

/** Version is the protocol version that Join contains. A server refuses every other version. */
export const VERSION = 1

/** A message from a participant. */
export type ClientMessage =
	| Join
	| Resume
	| Answer
	| Candidate
	| RestartICE
	| Mute
	| Hidden
	| Sent
	| Start
	| Finish
	| CallPatient
	| Typed
	| Talk
	| Heard
	| Control
	| Leave
	| Ping

/** A message from the server. */
export type ServerMessage =
	| Joined
	| Resumed
	| Offer
	| PhaseChanged
	| PeerJoined
	| PeerUpdated
	| PeerLeft
	| Speaking
	| Patient
	| Caption
	| Hint
	| Report
	| Error
	| Closing
	| Moving
	| Pong
