// Fakes of the browser's WebSocket and RTCPeerConnection, for tests.
import type { ServerMessage } from '$lib/gen/protocol';

export class FakeSocket {
	static all: FakeSocket[] = [];
	readyState = 0;
	sent: Record<string, unknown>[] = [];
	/** Pings are not answered. */
	silent = false;
	onopen: (() => void) | null = null;
	onmessage: ((event: { data: unknown }) => void) | null = null;
	onclose: ((event: { code: number; reason: string }) => void) | null = null;

	constructor(readonly url: string) {
		FakeSocket.all.push(this);
	}

	send(text: string): void {
		const message = JSON.parse(text) as Record<string, unknown>;
		this.sent.push(message);
		if (message.type === 'ping' && !this.silent)
			this.say({ type: 'pong', id: Number(message.id) });
	}

	close(): void {
		this.readyState = 3;
	}

	open(): void {
		this.readyState = 1;
		this.onopen?.();
	}

	say(message: ServerMessage): void {
		this.onmessage?.({ data: JSON.stringify(message) });
	}

	drop(code = 1006, reason = ''): void {
		this.readyState = 3;
		this.onclose?.({ code, reason });
	}
}

export class FakePeer {
	static all: FakePeer[] = [];
	connectionState: RTCPeerConnectionState = 'new';
	localDescription: { type: string; sdp: string } | null = null;
	steps: string[] = [];
	directions: string[] = [];
	closed = false;
	/** setRemoteDescription waits for it. */
	gate: Promise<void> | undefined;
	refuse = '';
	onicecandidate:
		| ((event: {
				candidate: { candidate: string; sdpMid: string; sdpMLineIndex: number } | null;
		  }) => void)
		| null = null;
	onconnectionstatechange: (() => void) | null = null;
	ontrack: ((event: { track: unknown; streams: { id: string }[] }) => void) | null = null;

	constructor(readonly config: RTCConfiguration) {
		FakePeer.all.push(this);
	}

	addTransceiver(
		_track: unknown,
		init: { direction: string }
	): { sender: { replaceTrack: () => Promise<void> } } {
		this.directions.push(init.direction);
		return { sender: { replaceTrack: () => Promise.resolve() } };
	}

	async createOffer(): Promise<{ type: string; sdp: string }> {
		return { type: 'offer', sdp: 'client-offer' };
	}

	async createAnswer(): Promise<{ type: string; sdp: string }> {
		return { type: 'answer', sdp: `answer-to-${this.steps.at(-1)?.split(' ')[1]}` };
	}

	async setLocalDescription(description: { type: string; sdp: string }): Promise<void> {
		this.localDescription = description;
	}

	async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
		await this.gate;
		if (this.refuse) throw new Error(this.refuse);
		this.steps.push(`${description.type} ${description.sdp}`);
	}

	sent = 0;

	async getStats(): Promise<Map<string, object>> {
		const ssrc = FakePeer.all.indexOf(this) + 1;
		return new Map([
			['in', { type: 'inbound-rtp', kind: 'audio', ssrc: 99 }],
			[
				'out',
				{
					type: 'outbound-rtp',
					kind: 'audio',
					ssrc,
					packetsSent: this.sent,
					retransmittedPacketsSent: 5
				}
			]
		]);
	}

	close(): void {
		this.closed = true;
		this.connectionState = 'closed';
	}

	become(state: RTCPeerConnectionState): void {
		this.connectionState = state;
		this.onconnectionstatechange?.();
	}

	find(candidate: string): void {
		this.onicecandidate?.({ candidate: { candidate, sdpMid: '0', sdpMLineIndex: 0 } });
	}
}
