// Generated from the Go structs of signaling/protocol by go generate. Do not edit.

/** Join is the first message of a participant who is new to the room. Nothing else is accepted before it, or before Resume. */
export interface Join {
	type: 'join'
	/** Version of the protocol that the client speaks. */
	version: number
	/** Ticket from POST /api/attempts/{id}/ticket; it works once, within a minute. */
	ticket: string
	/** Offer is the SDP of the client's PeerConnection: one audio section to send on; an observer's receives only. */
	offer: string
}

/** Resume is the first message on a new socket of a participant whose old socket was lost: same place, media untouched. */
export interface Resume {
	type: 'resume'
	/** Token from joined, or from the last resumed. */
	token: string
	/** RestartICE asks for an offer with an ICE restart, for a client whose network has changed. */
	restart_ice?: boolean
}

/** Answer answers a server's offer. */
export interface Answer {
	type: 'answer'
	/** OfferID of the offer that this answers. */
	offer_id: number
	/** SDP of the answer. */
	sdp: string
}

/** Candidate is a further ICE candidate of the client. Those in the SDP need not be repeated. */
export interface Candidate {
	type: 'candidate'
	/** Candidate line, without "a="; empty when there are no more. */
	candidate: string
	/** SDPMid of the section it belongs to. */
	sdp_mid?: string
	/** SDPMLineIndex of the section it belongs to. */
	sdp_m_line_index?: number
}

/** RestartICE asks for an offer with an ICE restart, when the client sees its connection fail. */
export interface RestartICE {
	type: 'restart_ice'
}

/** Mute tells the others that the sender has muted the microphone, or no longer. */
export interface Mute {
	type: 'mute'
	/** Muted is the state from now on. */
	muted: boolean
}

/** Start ends the preparation and begins the play. The candidate's alone. */
export interface Start {
	type: 'start'
}

/** Finish ends the play. The candidate's or the patient's. */
export interface Finish {
	type: 'finish'
}

/** Leave gives the place up: there is no resuming after it. */
export interface Leave {
	type: 'leave'
}

/** Ping asks for a pong, so that a browser can tell a slow socket from a dead one. */
export interface Ping {
	type: 'ping'
	/** ID comes back in the pong. */
	id: number
}

/** Joined answers Join. */
export interface Joined {
	type: 'joined'
	/** ParticipantID of the receiver. */
	participant_id: string
	/** RoomID is the attempt's id. */
	room_id: string
	/** Role of the receiver. */
	role: Role
	/** Answer is the SDP answer to the join's offer, with all candidates. */
	answer: string
	/** ResumeToken brings the place back on a new socket. */
	resume_token: string
	/** GraceMS is how long a lost participant's place is kept, in milliseconds. */
	grace_ms: number
	/** Phase of the room. */
	phase: Phase
	/** Peers are the others in the room. */
	peers: Peer[]
}

/** Resumed answers Resume. */
export interface Resumed {
	type: 'resumed'
	/** ResumeToken replaces the one that was used. */
	resume_token: string
	/** Phase of the room. */
	phase: Phase
	/** Peers are the others in the room. */
	peers: Peer[]
}

/** Offer is a server's offer, to be answered before the next comes. */
export interface Offer {
	type: 'offer'
	/** OfferID goes into the answer. */
	offer_id: number
	/** SDP of the offer. The stream id of a track is its publisher's participant id. */
	sdp: string
}

/** PhaseChanged tells that the phase, or the running of its clock, has changed. */
export interface PhaseChanged {
	type: 'phase'
	/** Phase from now on. */
	phase: Phase
}

/** PeerJoined tells of a new participant. */
export interface PeerJoined {
	type: 'peer_joined'
	/** Peer that joined. */
	peer: Peer
}

/** PeerUpdated tells that a participant has muted or unmuted, or lost or found its connection. */
export interface PeerUpdated {
	type: 'peer_updated'
	/** Peer as it is now. */
	peer: Peer
}

/** PeerLeft tells that a participant has gone for good. */
export interface PeerLeft {
	type: 'peer_left'
	/** ParticipantID of who has gone. */
	participant_id: string
	/** Reason, for people. */
	reason: string
}

/** Speaking tells who is speaking, loudest first, when that changes. */
export interface Speaking {
	type: 'speaking'
	/** Speakers who are heard now; empty when nobody is. */
	speakers: Speaker[]
}

/** Report tells that the attempt's report is there, or that there will be none. */
export interface Report {
	type: 'report'
	/** AttemptID of the report. */
	attempt_id: string
	/** Status of the report. */
	status: ReportStatus
	/** Problem says why it failed, for people. */
	problem?: string
}

/** Error tells that something the client asked for was refused. A fatal one is followed by the socket's close. */
export interface Error {
	type: 'error'
	/** Code of the error, as PROTOCOL.md lists them. */
	code: ErrorCode
	/** Message for people: what is wrong and what to do. */
	message: string
	/** Fatal is true when the socket closes next. */
	fatal: boolean
}

/** Closing tells that the server is about to close the socket, for a reason that is not the client's fault. */
export interface Closing {
	type: 'closing'
	/** Reason, for people. */
	reason: string
}

/** Pong answers Ping. */
export interface Pong {
	type: 'pong'
	/** ID of the ping. */
	id: number
}

/** Peer is another participant. */
export interface Peer {
	/** ParticipantID is the stream id of its track too. */
	participant_id: string
	/** Name for people. */
	name: string
	/** Role in the room. */
	role: Role
	/** Muted microphone. */
	muted: boolean
	/** Connected media; false while it is lost and its place is kept. */
	connected: boolean
}

/** Phase of a role play. */
export interface Phase {
	/** Name of the phase. */
	name: PhaseName
	/** RemainingMS of the phase when the message was sent, in milliseconds. */
	remaining_ms: number
	/** Running is false while the clock is stopped. */
	running: boolean
	/** Reason for an end, or for a stopped clock. */
	reason?: PhaseReason
}

/** Speaker is somebody who is heard. */
export interface Speaker {
	/** ParticipantID of the speaker. */
	participant_id: string
	/** Level from 0 (silence) to 1. */
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
	| 'candidate_left' // ended: the candidate has gone
	| 'server_closing' // ended: the server is shutting down
	| 'candidate_away' // stopped: the candidate's connection is lost
	| 'waiting_patient' // stopped at zero: preparation is over, nobody plays the patient yet

export type ReportStatus =
	| 'ready'
	| 'failed'

export type ErrorCode =
	| 'bad_message' // not JSON, unknown type, bad field
	| 'too_large' // message or SDP over the limit
	| 'rate' // too many messages or connections
	| 'ticket_invalid' // not a ticket of this server
	| 'ticket_expired' // get a new one
	| 'ticket_used' // somebody has used it before
	| 'resume_unknown' // the place is gone: join anew
	| 'wrong_state' // not possible in this phase, or not by this role
	| 'room_full' // no place left, or the role is taken
	| 'room_closed' // the attempt has ended
	| 'bad_sdp' // offer, answer or candidate cannot be used
	| 'replaced' // the same participant came on another socket
	| 'session_ended' // the device was signed out
	| 'slow' // the client did not read its messages, or did not answer pings
	| 'unavailable' // the server cannot do this now; try again

/** Version is sent in join. A server refuses a version it does not speak. */
export const VERSION = 1

/** What a participant sends. */
export type ClientMessage =
	| Join
	| Resume
	| Answer
	| Candidate
	| RestartICE
	| Mute
	| Start
	| Finish
	| Leave
	| Ping

/** What the server sends. */
export type ServerMessage =
	| Joined
	| Resumed
	| Offer
	| PhaseChanged
	| PeerJoined
	| PeerUpdated
	| PeerLeft
	| Speaking
	| Report
	| Error
	| Closing
	| Pong
