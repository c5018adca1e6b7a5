// The signalling messages as the page uses them; signaling/PROTOCOL.md explains each.

export type Role = 'candidate' | 'patient' | 'observer';
export type PhaseName = 'preparing' | 'playing' | 'ended';

export interface Phase {
	name: PhaseName;
	remaining_ms: number;
	running: boolean;
	reason?: string;
}

export interface Peer {
	participant_id: string;
	name: string;
	role: Role;
	muted: boolean;
	connected: boolean;
}

export interface SpeakerLevel {
	participant_id: string;
	level: number;
}

export interface Candidate {
	candidate: string;
	sdp_mid?: string | null;
	sdp_m_line_index?: number | null;
}

export type ClientMessage =
	| { type: 'join'; ticket: string; offer: string; version: 1 }
	| { type: 'resume'; token: string; restart_ice: boolean }
	| { type: 'answer'; offer_id: number; sdp: string }
	| ({ type: 'candidate' } & Candidate)
	| { type: 'restart_ice' }
	| { type: 'mute'; muted: boolean }
	| { type: 'start' }
	| { type: 'finish' }
	| { type: 'leave' }
	| { type: 'ping'; id: number };

export type ServerMessage =
	| {
			type: 'joined';
			participant_id: string;
			room_id: string;
			role: Role;
			answer: string;
			resume_token: string;
			grace_ms: number;
			phase: Phase;
			peers: Peer[];
	  }
	| { type: 'resumed'; resume_token: string; phase: Phase; peers: Peer[] }
	| { type: 'offer'; offer_id: number; sdp: string }
	| ({ type: 'candidate' } & Candidate)
	| { type: 'phase'; phase: Phase }
	| { type: 'peer_joined'; peer: Peer }
	| { type: 'peer_updated'; peer: Peer }
	| { type: 'peer_left'; participant_id: string; reason: string }
	| { type: 'speaking'; speakers: SpeakerLevel[] }
	| { type: 'report'; attempt_id: string; status: 'ready' | 'failed'; problem?: string }
	| { type: 'error'; code: string; message: string; fatal: boolean }
	| { type: 'closing'; reason: string }
	| { type: 'pong'; id: number };
