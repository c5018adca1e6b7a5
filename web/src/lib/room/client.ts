import { canRetry } from '$lib/api/problem';
import type { Ticket as ApiTicket } from '$lib/api/types';
import { Emitter } from './emitter';
import {
	VERSION,
	type Candidate,
	type ClientMessage,
	type ErrorCode,
	type Peer,
	type Phase,
	type Role,
	type ServerMessage,
	type Speaker
} from '$lib/gen/protocol';
import { PeerLink } from './peer';
import { Socket } from './socket';

/** The part of a ticket that opens a room. A ticket works once. */
export type Ticket = Pick<ApiTicket, 'url' | 'ticket' | 'ice_servers'>;

export type Connection = 'connecting' | 'connected' | 'reconnecting' | 'closed';

export interface RoomEvents {
	connection: Connection;
	joined: { participantId: string; role: Role };
	phase: Phase;
	peers: Peer[];
	speaking: Speaker[];
	track: { participantId: string; track: MediaStreamTrack };
	report: { status: 'ready' | 'failed'; problem: string };
	/** Something went wrong that does not end the call. */
	problem: string;
	/** The call is over; `reason` is for people and may be empty. */
	closed: { reason: string; error: boolean; code?: ErrorCode };
}

export interface RoomOptions {
	/** Asked for at every fresh join. */
	ticket: () => Promise<Ticket>;
	/** What is sent; null for somebody who only listens. Its tracks belong to the caller. */
	stream: MediaStream | null;
	WebSocket?: typeof WebSocket;
	RTCPeerConnection?: typeof RTCPeerConnection;
	/** Where relative addresses start. */
	base?: string;
	random?: () => number;
}

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MOST_MS = 4_000;
const GIVE_UP_AFTER_MS = 90_000;
const ICE_PATIENCE_MS = 2_000;
const ICE_AGAIN_MS = 5_000;

/** Fatal errors that a new socket or a new ticket cures. */
const PASSING = new Set<ErrorCode>([
	'resume_unknown',
	'ticket_expired',
	'ticket_used',
	'slow',
	'unavailable'
]);

/**
 * One place in one room, from connect() to close(). The media outlives the socket: a lost socket is resumed with the token of the join
 * and the peer connection stays; lost media is mended by an ICE restart that the server offers. When the server no longer knows the token
 * the room is joined afresh with a new ticket.
 */
export class RoomClient extends Emitter<RoomEvents> {
	#options: RoomOptions;
	#stream: MediaStream | null;
	#socket: Socket | undefined;
	#link: PeerLink | undefined;
	#url = '';
	#token = '';
	#seated = false; // joined or resumed on the present socket
	#connection: Connection = 'connecting';
	#peers = new Map<string, Peer>();
	#candidates: Candidate[] = []; // found before the server knew us
	#muted = false;
	#lostAt: number | undefined; // since when it is tried again
	#tries = 0;
	#retry: ReturnType<typeof setTimeout> | undefined;
	#iceTimer: ReturnType<typeof setTimeout> | undefined;

	constructor(options: RoomOptions) {
		super();
		this.#options = options;
		this.#stream = options.stream;
	}

	get connection(): Connection {
		return this.#connection;
	}

	/** Joins; what follows comes as events. Call it once. */
	async connect(): Promise<void> {
		await this.#join();
	}

	start(): void {
		this.#send({ type: 'start' });
	}

	finish(): void {
		this.#send({ type: 'finish' });
	}

	/** Tells the others. Silencing the microphone itself is its owner's business. */
	mute(muted: boolean): void {
		this.#muted = muted;
		this.#send({ type: 'mute', muted });
	}

	async replace(stream: MediaStream): Promise<void> {
		this.#stream = stream;
		const track = stream.getAudioTracks()[0];
		if (track) await this.#link?.replace(track);
	}

	async stats(): Promise<RTCStatsReport | undefined> {
		return this.#link?.stats();
	}

	/** Tries again at once: the browser says that the network is back. */
	hurry(): void {
		if (this.#retry === undefined) return;
		clearTimeout(this.#retry);
		this.#reconnect();
	}

	/** Leaves the room. No event follows. */
	close(): void {
		if (this.#connection === 'closed') return;
		this.#send({ type: 'leave' });
		this.#connection = 'closed';
		this.#drop();
	}

	async #join(): Promise<void> {
		this.#link?.close();
		this.#token = '';
		this.#candidates = [];
		let ticket: Ticket;
		try {
			ticket = await this.#options.ticket();
		} catch (error) {
			if (this.#lostAt !== undefined && canRetry(error)) this.#again();
			else this.#finished(sentence(error), true);
			return;
		}
		if (this.#over()) return;
		const link = new PeerLink(
			ticket.ice_servers,
			{
				candidate: (candidate) => this.#found(candidate),
				state: (state) => this.#media(state),
				track: (participantId, track) => this.emit('track', { participantId, track }),
				failed: (error) =>
					this.#finished(
						`The browser could not set up the call: ${sentence(error)}`,
						true
					)
			},
			this.#options.RTCPeerConnection ?? RTCPeerConnection
		);
		this.#link = link;
		let offer: string;
		try {
			offer = await link.offer(this.#stream);
		} catch (error) {
			this.#finished(`The browser could not set up the call: ${sentence(error)}`, true);
			return;
		}
		if (this.#over() || this.#link !== link) return;
		this.#url = address(ticket.url, this.#options.base ?? location.href);
		this.#open({ type: 'join', ticket: ticket.ticket, offer, version: VERSION });
	}

	#open(first: ClientMessage): void {
		this.#seated = false;
		const socket = new Socket(
			this.#url,
			{
				open: () => socket.send(first),
				message: (message) => this.#receive(message),
				lost: (fatal, reason) => this.#lost(fatal, reason)
			},
			this.#options.WebSocket ?? WebSocket
		);
		this.#socket = socket;
	}

	#receive(message: ServerMessage): void {
		switch (message.type) {
			case 'joined':
				this.#token = message.resume_token;
				this.#link?.answered(message.answer);
				this.emit('joined', { participantId: message.participant_id, role: message.role });
				this.#seat(message.phase, message.peers);
				break;
			case 'resumed':
				this.#token = message.resume_token;
				this.#seat(message.phase, message.peers);
				break;
			case 'offer':
				this.#link?.offered(message.sdp, (sdp) =>
					this.#send({ type: 'answer', offer_id: message.offer_id, sdp })
				);
				break;
			case 'phase':
				this.emit('phase', message.phase);
				break;
			case 'peer_joined':
			case 'peer_updated':
				this.#peers.set(message.peer.participant_id, message.peer);
				this.emit('peers', [...this.#peers.values()]);
				break;
			case 'peer_left':
				this.#peers.delete(message.participant_id);
				this.emit('peers', [...this.#peers.values()]);
				break;
			case 'speaking':
				this.emit('speaking', message.speakers);
				break;
			case 'report':
				this.emit('report', { status: message.status, problem: message.problem ?? '' });
				break;
			case 'error':
				this.#refused(message.code, message.message, message.fatal);
				break;
			case 'closing':
				this.#finished(message.reason, false);
				break;
			case 'pong':
				break;
		}
	}

	/** The server knows us on this socket: say what it has missed. */
	#seat(phase: Phase, peers: Peer[]): void {
		this.#seated = true;
		this.#tries = 0;
		this.#lostAt = undefined;
		this.#peers = new Map(peers.map((peer) => [peer.participant_id, peer]));
		for (const candidate of this.#candidates.splice(0)) this.#send(candidate);
		if (this.#muted) this.#send({ type: 'mute', muted: true });
		this.emit('peers', peers);
		this.emit('phase', phase);
		this.#settle();
	}

	#refused(code: ErrorCode, message: string, fatal: boolean): void {
		if (!fatal) {
			this.emit('problem', message);
		} else if (PASSING.has(code)) {
			if (code === 'resume_unknown') this.#token = ''; // the place is gone, so take a new one
			this.#socket?.close();
			this.#seated = false;
			this.#settle();
			this.#again();
		} else {
			this.#finished(message, true, code);
		}
	}

	#found(candidate: Candidate): void {
		if (this.#seated) this.#send(candidate);
		else this.#candidates.push(candidate);
	}

	#media(state: RTCPeerConnectionState): void {
		clearTimeout(this.#iceTimer);
		if (state === 'disconnected')
			this.#iceTimer = setTimeout(() => this.#mend(), ICE_PATIENCE_MS);
		if (state === 'failed') this.#mend();
		this.#settle();
	}

	/** Asks for new network paths until the media flows again. */
	#mend(): void {
		if (this.#over() || !this.#broken()) return;
		if (this.#seated) this.#send({ type: 'restart_ice' });
		this.#iceTimer = setTimeout(() => this.#mend(), ICE_AGAIN_MS);
	}

	#broken(): boolean {
		return this.#link?.state === 'disconnected' || this.#link?.state === 'failed';
	}

	#settle(): void {
		if (this.#over()) return;
		if (this.#seated && this.#link?.state === 'connected') this.#become('connected');
		else if (this.#connection === 'connected') this.#become('reconnecting');
	}

	#lost(fatal: boolean, reason: string): void {
		if (this.#over()) return;
		if (fatal) {
			this.#finished(reason, true);
			return;
		}
		this.#seated = false;
		this.#settle();
		this.#again();
	}

	#again(): void {
		const now = performance.now();
		this.#lostAt ??= now;
		if (now - this.#lostAt > GIVE_UP_AFTER_MS) {
			this.#finished(
				'The connection could not be made again. Check your network, then join the room again.',
				true
			);
			return;
		}
		const wait = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** this.#tries++);
		const random = this.#options.random ?? Math.random;
		clearTimeout(this.#retry);
		this.#retry = setTimeout(() => this.#reconnect(), wait * (0.75 + random() / 2));
	}

	#reconnect(): void {
		this.#retry = undefined;
		if (this.#over()) return;
		if (this.#token)
			this.#open({ type: 'resume', token: this.#token, restart_ice: this.#broken() });
		else void this.#join();
	}

	#finished(reason: string, error: boolean, code?: ErrorCode): void {
		if (this.#over()) return;
		this.#become('closed');
		this.#drop();
		this.emit('closed', { reason, error, code });
	}

	#drop(): void {
		clearTimeout(this.#retry);
		clearTimeout(this.#iceTimer);
		this.#socket?.close();
		this.#link?.close();
	}

	#become(connection: Connection): void {
		if (this.#connection === connection) return;
		this.#connection = connection;
		this.emit('connection', connection);
	}

	#over(): boolean {
		return this.#connection === 'closed';
	}

	#send(message: ClientMessage): boolean {
		return this.#socket?.send(message) ?? false;
	}
}

function sentence(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** The WebSocket address for what the ticket names, which may be a path. */
export function address(url: string, base: string): string {
	const full = new URL(url, base);
	full.protocol = full.protocol.replace('http', 'ws');
	return full.href;
}
