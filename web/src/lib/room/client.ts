import { canRetry, Problem } from '$lib/api/problem';
import type { Ticket as ApiTicket } from '$lib/api/types';
import { Emitter } from './emitter';
import {
	VERSION,
	type Candidate,
	type Caption,
	type ClientMessage,
	type ControlAction,
	type ErrorCode,
	type HeardWord,
	type Patient,
	type Peer,
	type Phase,
	type Role,
	type ServerMessage,
	type Speaker
} from '$lib/gen/protocol';
import { PeerLink } from './peer';
import { Retries } from './retries';
import { SentCounts } from './sent';
import { Socket } from './socket';

/** What is needed to join a room. A ticket can be used once. */
export type Ticket = Pick<ApiTicket, 'url' | 'ticket' | 'ice_servers'>;

export type Connection = 'connecting' | 'connected' | 'reconnecting' | 'closed';

export interface RoomEvents {
	connection: Connection;
	joined: { participantId: string; role: Role };
	phase: Phase;
	peers: Peer[];
	speaking: Speaker[];
	track: { participantId: string; track: MediaStreamTrack };
	/** The automatic patient's state has changed. */
	patient: Patient;
	caption: Caption;
	/** What the candidate might do next. */
	hint: string;
	report: { status: 'ready' | 'failed'; problem: string };
	/** A request was refused; the call goes on. */
	problem: string;
	/** No server takes the room yet; the client tries again by itself. */
	unplaced: boolean;
	/** The call is over. `reason` is for the reader and may be empty. */
	closed: { reason: string; error: boolean; code?: ErrorCode };
}

export interface RoomOptions {
	/** Asks for a new ticket, at each join. */
	ticket: () => Promise<Ticket>;
	/** What is sent; null for an observer. The caller owns its tracks. */
	stream: MediaStream | null;
	/** Counts of what was sent, also before this page was loaded. */
	sent?: SentCounts;
	WebSocket?: typeof WebSocket;
	RTCPeerConnection?: typeof RTCPeerConnection;
	/** The base of relative addresses. */
	base?: string;
	random?: () => number;
}

const ICE_RESTART_AFTER_MS = 2_000;
const ICE_AGAIN_MS = 5_000;
const COUNT_EVERY_MS = 1_000;
/** The end of a play does not wait longer for the count of what was sent. */
const COUNT_WITHIN_MS = 300;

/** Fatal errors after which a new socket or a new ticket works. */
const RETRYABLE = new Set<ErrorCode>([
	'resume_unknown',
	'other_node',
	'ticket_expired',
	'ticket_used',
	'slow',
	'unavailable'
]);

/**
 * One participant in one room, from connect() to close(). The media outlives the socket: after a
 * lost socket the client resumes with the token of its join, and the peer connection stays. Lost
 * media is repaired by an ICE restart, which the server offers. When the server no longer knows
 * the token, cannot be reached or sends the client away, the client joins again with a new ticket,
 * which may name another server.
 */
export class RoomClient extends Emitter<RoomEvents> {
	#options: RoomOptions;
	#stream: MediaStream | null;
	#socket: Socket | undefined;
	#link: PeerLink | undefined;
	#url = '';
	#token = '';
	#opened = false; // the current socket
	#inRoom = false; // joined or resumed on the current socket
	#connection: Connection = 'connecting';
	#peers = new Map<string, Peer>();
	#candidates: Candidate[] = []; // found before the server answered the join
	#muted = false;
	#hidden = false;
	#playing = false;
	#sent: SentCounts;
	#counting: ReturnType<typeof setInterval> | undefined;
	#unplaced = false;
	#refusal = ''; // why the server gave no ticket, if it answered the last time
	#retries = new Retries();
	#retry: ReturnType<typeof setTimeout> | undefined;
	#iceTimer: ReturnType<typeof setTimeout> | undefined;

	constructor(options: RoomOptions) {
		super();
		this.#options = options;
		this.#stream = options.stream;
		this.#sent = options.sent ?? new SentCounts();
	}

	get connection(): Connection {
		return this.#connection;
	}

	/** Joins the room and reports what happens as events. Call it once. */
	async connect(): Promise<void> {
		this.#counting = setInterval(() => void this.#count(), COUNT_EVERY_MS);
		await this.#join();
	}

	start(): void {
		this.#send({ type: 'start' });
	}

	/** Ends the play, after telling how much was sent in it. */
	async finish(): Promise<void> {
		await this.countSent();
		this.#send({ type: 'finish' });
	}

	/** Tells the server that the microphone is muted. The caller mutes the track itself. */
	mute(muted: boolean): void {
		this.#muted = muted;
		this.#send({ type: 'mute', muted });
	}

	/** Asks for the automatic patient, after a person who played the patient has left. */
	callPatient(): void {
		this.#send({ type: 'call_patient' });
	}

	/** Says something to the automatic patient by typing. */
	typed(text: string): void {
		this.#send({ type: 'typed', text });
	}

	/** Tells the automatic patient that the button to talk is held down, or was let go. */
	talk(on: boolean): void {
		this.#send({ type: 'talk', on });
	}

	/** Tells the automatic patient what the browser's own recogniser has heard. */
	heard(words: HeardWord[], final: boolean): void {
		this.#send({ type: 'heard', words, final });
	}

	/** Changes the course of a play with the automatic patient. */
	control(action: ControlAction): void {
		this.#send({ type: 'control', action });
	}

	/** Tells the server that the page went to the background, or came back. */
	hide(hidden: boolean): void {
		this.#hidden = hidden;
		if (!this.#stream) return;
		this.#send({ type: 'hidden', hidden });
		if (hidden) void this.countSent(); // it may never be shown again
	}

	/** Counts what was sent and tells the server: the page may be about to go. */
	async countSent(): Promise<void> {
		let timer: ReturnType<typeof setTimeout> | undefined;
		const late = new Promise<void>((done) => (timer = setTimeout(done, COUNT_WITHIN_MS)));
		await Promise.race([this.#count(), late]);
		clearTimeout(timer);
		this.tellSent();
	}

	/** Tells the server the latest counts, without waiting for newer ones: the page goes now. */
	tellSent(): void {
		if (!this.#inRoom) return;
		for (const sent of this.#sent.take()) this.#send(sent);
	}

	async replace(stream: MediaStream): Promise<void> {
		this.#stream = stream;
		const track = stream.getAudioTracks()[0];
		if (track) await this.#link?.replace(track);
	}

	async stats(): Promise<RTCStatsReport | undefined> {
		return this.#link?.stats();
	}

	/** Reconnects now: the browser says that the network is back. */
	reconnectNow(): void {
		if (this.#retry === undefined) return;
		clearTimeout(this.#retry);
		this.#reconnect();
	}

	/** Leaves the room. No events follow. */
	close(): void {
		if (this.#connection === 'closed') return;
		this.tellSent();
		this.#send({ type: 'leave' });
		this.#connection = 'closed';
		this.#closeLinks();
	}

	async #join(): Promise<void> {
		const ticket = await this.#newTicket();
		if (!ticket || this.#isClosed()) return;
		await this.#closeLink();
		if (this.#isClosed()) return;
		this.#token = '';
		this.#candidates = [];
		const link = new PeerLink(
			ticket.ice_servers,
			{
				candidate: (candidate) => this.#addCandidate(candidate),
				state: (state) => this.#mediaChanged(state),
				track: (participantId, track) => this.emit('track', { participantId, track }),
				failed: (error) =>
					this.#end(`The browser could not set up the call: ${sentence(error)}`, true)
			},
			this.#options.RTCPeerConnection ?? RTCPeerConnection
		);
		this.#link = link;
		let offer: string;
		try {
			offer = await link.offer(this.#stream);
		} catch (error) {
			this.#end(`The browser could not set up the call: ${sentence(error)}`, true);
			return;
		}
		if (this.#isClosed() || this.#link !== link) return;
		this.#url = address(ticket.url, this.#options.base ?? location.href);
		this.#open({ type: 'join', ticket: ticket.ticket, offer, version: VERSION });
	}

	/** Without a ticket it tries again later, or ends. */
	async #newTicket(): Promise<Ticket | undefined> {
		try {
			const ticket = await this.#options.ticket();
			this.#refusal = '';
			this.#setUnplaced(false);
			return ticket;
		} catch (error) {
			const problem = error instanceof Problem ? error : undefined;
			if (problem?.status === 503 || (this.#retries.going && canRetry(error))) {
				this.#refusal = problem?.status ? problem.message : '';
				this.#setUnplaced(problem?.is('no-media-server') ?? false);
				this.#retryLater();
			} else {
				this.#end(sentence(error), true);
			}
			return undefined;
		}
	}

	#setUnplaced(unplaced: boolean): void {
		if (this.#isClosed() || this.#unplaced === unplaced) return;
		this.#unplaced = unplaced;
		this.emit('unplaced', unplaced);
	}

	/** Closes the connection, after counting what it has sent during the play. */
	async #closeLink(): Promise<void> {
		const link = this.#link;
		this.#link = undefined;
		await link?.stopSending().catch(() => undefined);
		await this.#count(link);
		link?.close();
	}

	/** Counts what a connection has sent, if it belongs to a play. */
	async #count(link = this.#link): Promise<void> {
		if (!this.#playing || !this.#stream || !link) return;
		this.#sent.note(await link.sent().catch(() => []));
	}

	#open(first: ClientMessage): void {
		this.#inRoom = this.#opened = false;
		const socket = new Socket(
			this.#url,
			{
				open: () => {
					this.#opened = true;
					socket.send(first);
				},
				message: (message) => this.#receive(message),
				lost: (fatal, reason) => this.#socketLost(fatal, reason)
			},
			this.#options.WebSocket ?? WebSocket
		);
		this.#socket = socket;
	}

	#receive(message: ServerMessage): void {
		switch (message.type) {
			case 'joined':
				this.#token = message.resume_token;
				this.#link?.acceptAnswer(message.answer);
				this.emit('joined', { participantId: message.participant_id, role: message.role });
				this.#entered(message.phase, message.peers);
				break;
			case 'resumed':
				this.#token = message.resume_token;
				this.#entered(message.phase, message.peers);
				break;
			case 'offer':
				this.#link?.answerOffer(message.sdp, (sdp) =>
					this.#send({ type: 'answer', offer_id: message.offer_id, sdp })
				);
				break;
			case 'phase':
				this.#changePhase(message.phase);
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
			case 'patient':
				this.emit('patient', message);
				break;
			case 'caption':
				this.emit('caption', message);
				break;
			case 'hint':
				this.emit('hint', message.text);
				break;
			case 'report':
				this.emit('report', { status: message.status, problem: message.problem ?? '' });
				break;
			case 'error':
				this.#failed(message.code, message.message, message.fatal);
				break;
			case 'closing':
				this.#end(message.reason, false);
				break;
			case 'moving':
				this.#joinElsewhere();
				break;
			case 'pong':
				break;
		}
	}

	/** Handles joined and resumed: sends what was held back. */
	#entered(phase: Phase, peers: Peer[]): void {
		this.#inRoom = true;
		this.#retries.reset();
		this.#peers = new Map(peers.map((peer) => [peer.participant_id, peer]));
		for (const candidate of this.#candidates.splice(0)) this.#send(candidate);
		if (this.#muted) this.#send({ type: 'mute', muted: true });
		if (this.#hidden && this.#stream) this.#send({ type: 'hidden', hidden: true });
		this.#playing = phase.name === 'playing';
		this.#sent.repeat();
		this.tellSent();
		this.emit('peers', peers);
		this.emit('phase', phase);
		this.#updateConnection();
	}

	/** Counts a last time when the play has ended: the server waits a moment for that. */
	#changePhase({ name }: Phase): void {
		if (this.#playing && name === 'ended') void this.countSent();
		this.#playing = name === 'playing';
	}

	#failed(code: ErrorCode, message: string, fatal: boolean): void {
		if (!fatal) {
			this.emit('problem', message);
		} else if (RETRYABLE.has(code)) {
			if (code === 'resume_unknown' || code === 'other_node') this.#joinElsewhere();
			else this.#tryAgain();
		} else {
			this.#end(message, true, code);
		}
	}

	/** Joins with a new ticket: the server forgot us or stops, or another one has the room. */
	#joinElsewhere(): void {
		this.#token = '';
		this.#tryAgain();
	}

	#tryAgain(): void {
		this.#socket?.close();
		this.#inRoom = false;
		this.#updateConnection();
		this.#retryLater();
	}

	#addCandidate(candidate: Candidate): void {
		if (this.#inRoom) this.#send(candidate);
		else this.#candidates.push(candidate);
	}

	#mediaChanged(state: RTCPeerConnectionState): void {
		clearTimeout(this.#iceTimer);
		if (state === 'disconnected')
			this.#iceTimer = setTimeout(() => this.#restartIce(), ICE_RESTART_AFTER_MS);
		if (state === 'failed') this.#restartIce();
		this.#updateConnection();
	}

	/** Asks for an ICE restart until the media flows again. */
	#restartIce(): void {
		if (this.#isClosed() || !this.#mediaLost()) return;
		if (this.#inRoom) this.#send({ type: 'restart_ice' });
		this.#iceTimer = setTimeout(() => this.#restartIce(), ICE_AGAIN_MS);
	}

	#mediaLost(): boolean {
		return this.#link?.state === 'disconnected' || this.#link?.state === 'failed';
	}

	#updateConnection(): void {
		if (this.#isClosed()) return;
		if (this.#inRoom && this.#link?.state === 'connected') this.#setConnection('connected');
		else if (this.#connection === 'connected') this.#setConnection('reconnecting');
	}

	#socketLost(fatal: boolean, reason: string): void {
		if (this.#isClosed()) return;
		if (fatal) {
			this.#end(reason, true);
			return;
		}
		this.#inRoom = false;
		this.#updateConnection();
		// The server of this seat cannot be reached: a new ticket may name another one.
		if (this.#token && !this.#opened) void this.#join();
		else this.#retryLater();
	}

	#retryLater(): void {
		const random = this.#options.random ?? Math.random;
		const wait = this.#retries.next(performance.now(), random());
		if (wait === undefined) {
			this.#end(
				this.#refusal ||
					'The connection could not be made again. Check your network, then join the room again.',
				true
			);
			return;
		}
		clearTimeout(this.#retry);
		this.#retry = setTimeout(() => this.#reconnect(), wait);
	}

	#reconnect(): void {
		this.#retry = undefined;
		if (this.#isClosed()) return;
		if (this.#token)
			this.#open({ type: 'resume', token: this.#token, restart_ice: this.#mediaLost() });
		else void this.#join();
	}

	#end(reason: string, error: boolean, code?: ErrorCode): void {
		if (this.#isClosed()) return;
		this.#setConnection('closed');
		this.#closeLinks();
		this.emit('closed', { reason, error, code });
	}

	#closeLinks(): void {
		clearTimeout(this.#retry);
		clearTimeout(this.#iceTimer);
		clearInterval(this.#counting);
		this.#socket?.close();
		this.#link?.close();
	}

	#setConnection(connection: Connection): void {
		if (this.#connection === connection) return;
		this.#connection = connection;
		this.emit('connection', connection);
	}

	#isClosed(): boolean {
		return this.#connection === 'closed';
	}

	#send(message: ClientMessage): boolean {
		return this.#socket?.send(message) ?? false;
	}
}

function sentence(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** Returns the WebSocket address for the URL in a ticket, which may be a path. */
export function address(url: string, base: string): string {
	const full = new URL(url, base);
	full.protocol = full.protocol.replace('http', 'ws');
	return full.href;
}
