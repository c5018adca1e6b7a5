import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Problem, UNREACHABLE } from '$lib/api/problem';
import { address, RoomClient, type RoomOptions } from './client';
import { FakePeer, FakeSocket } from './fakes';
import { SentCounts } from './sent';
import type { Phase, ServerMessage } from '$lib/gen/protocol';

const preparing: Phase = { name: 'preparing', remaining_ms: 180_000, running: true };
const playing: Phase = { ...preparing, name: 'playing' };
const joined: ServerMessage = {
	type: 'joined',
	participant_id: 'me',
	room_id: 'room',
	role: 'candidate',
	answer: 'server-answer',
	resume_token: 'token-1',
	grace_ms: 20_000,
	phase: preparing,
	peers: []
};

const away = new Problem(503, 'The database cannot be reached. Try again in a moment.');
const noServer = new Problem(
	503,
	'No media server can take this role play now.',
	'urn:bedside:problem:no-media-server'
);

beforeEach(() => {
	vi.useFakeTimers();
	FakeSocket.all = [];
	FakePeer.all = [];
});
afterEach(() => vi.useRealTimers());

function last<T>(list: T[]): T {
	const item = list.at(-1);
	if (!item) throw new Error('nothing was made');
	return item;
}

function microphone(): MediaStream {
	return { getAudioTracks: () => [{ kind: 'audio' }] } as unknown as MediaStream;
}

function setUp(options: Partial<RoomOptions> = {}) {
	let tickets = 0;
	const client = new RoomClient({
		ticket: async () => ({ url: '/ws', ticket: `ticket-${++tickets}`, ice_servers: [] }),
		stream: null,
		WebSocket: FakeSocket as unknown as typeof WebSocket,
		RTCPeerConnection: FakePeer as unknown as typeof RTCPeerConnection,
		base: 'https://bedside.example/room/1',
		random: () => 0.5,
		...options
	});
	const events: [string, unknown][] = [];
	for (const name of [
		'connection',
		'joined',
		'phase',
		'peers',
		'speaking',
		'track',
		'report',
		'problem',
		'unplaced',
		'closed'
	] as const) {
		client.on(name, (value) => events.push([name, value]));
	}
	const named = (name: string) => events.filter(([n]) => n === name).map(([, value]) => value);
	return { client, named };
}

async function join(options: Partial<RoomOptions> = {}) {
	const room = setUp(options);
	await room.client.connect();
	last(FakeSocket.all).open();
	last(FakeSocket.all).say(joined);
	await vi.advanceTimersByTimeAsync(0);
	last(FakePeer.all).become('connected');
	return room;
}

describe('joining', () => {
	it('sends the ticket and the offer first, and sets the answer', async () => {
		const { named, client } = await join();
		const socket = last(FakeSocket.all);
		expect(socket.url).toBe('wss://bedside.example/ws');
		expect(socket.sent[0]).toEqual({
			type: 'join',
			ticket: 'ticket-1',
			offer: 'client-offer',
			version: 1
		});
		expect(last(FakePeer.all).steps).toEqual(['answer server-answer']);
		expect(named('joined')).toEqual([{ participantId: 'me', role: 'candidate' }]);
		expect(named('phase')).toEqual([preparing]);
		expect(client.connection).toBe('connected');
	});

	it('sends the microphone, or only listens without one', async () => {
		await join();
		expect(last(FakePeer.all).directions).toEqual(['recvonly']);
		const stream = { getAudioTracks: () => [{}] } as unknown as MediaStream;
		await join({ stream });
		expect(last(FakePeer.all).directions).toEqual(['sendonly']);
	});

	it('holds back candidates until it has joined', async () => {
		const { client } = setUp();
		await client.connect();
		const socket = last(FakeSocket.all);
		socket.open();
		last(FakePeer.all).find('early');
		expect(socket.sent).toHaveLength(1);
		socket.say(joined);
		last(FakePeer.all).find('later');
		expect(socket.sent.slice(1).map((m) => m.candidate)).toEqual(['early', 'later']);
	});

	it('waits until a server takes the room', async () => {
		const ticket = vi.fn(async () => ({ url: '/ws', ticket: 'ticket', ice_servers: [] }));
		for (let i = 0; i < 3; i++) ticket.mockRejectedValueOnce(noServer);
		const { client, named } = setUp({ ticket });
		await client.connect();
		expect(named('unplaced')).toEqual([true]);
		await vi.advanceTimersByTimeAsync(2_000);
		expect(ticket).toHaveBeenCalledTimes(4);
		expect(named('unplaced')).toEqual([true, false]);
		last(FakeSocket.all).open();
		last(FakeSocket.all).say(joined);
		last(FakePeer.all).become('connected');
		expect(client.connection).toBe('connected');
	});

	it('tries again after any 503, and blames missing servers for none but theirs', async () => {
		const ticket = vi.fn(async () => ({ url: '/ws', ticket: 'ticket', ice_servers: [] }));
		ticket.mockRejectedValueOnce(away);
		const { client, named } = setUp({ ticket });
		await client.connect();
		await vi.advanceTimersByTimeAsync(500);
		expect(ticket).toHaveBeenCalledTimes(2);
		last(FakeSocket.all).open();
		last(FakeSocket.all).say(joined);
		last(FakePeer.all).become('connected');
		expect([client.connection, named('unplaced')]).toEqual(['connected', []]);
	});

	it.each([
		['the server says', away, away.message],
		['no server takes the room', noServer, noServer.message],
		['the network is down', new Problem(0, UNREACHABLE), /Check your network/]
	])('gives up with what %s', async (_, problem, reason) => {
		const ticket = vi.fn(() => Promise.reject(problem));
		ticket.mockRejectedValueOnce(away); // what the server said last counts
		const { client, named } = setUp({ ticket });
		await client.connect();
		await vi.advanceTimersByTimeAsync(120_000);
		expect(named('closed')).toEqual([
			{ reason: expect.stringMatching(reason) as string, error: true }
		]);
	});

	it('blames the network when there were tickets but no connection', async () => {
		const ticket = vi.fn(async () => ({ url: '/ws', ticket: 'ticket', ice_servers: [] }));
		ticket.mockRejectedValueOnce(away);
		const { client, named } = setUp({ ticket });
		await client.connect();
		while (named('closed').length === 0) {
			await vi.advanceTimersByTimeAsync(1_000);
			FakeSocket.all.at(-1)?.drop();
		}
		expect(named('closed')).toMatchObject([
			{ reason: expect.stringMatching(/Check your network/) as string }
		]);
	});

	it('says why no ticket was given', async () => {
		const { client, named } = setUp({
			ticket: () => Promise.reject(new Error('This role play has ended.'))
		});
		await client.connect();
		expect(named('closed')).toEqual([{ reason: 'This role play has ended.', error: true }]);
		expect(FakeSocket.all).toHaveLength(0);
	});
});

describe('negotiation', () => {
	it('answers offers one after the other, each with its own id', async () => {
		await join();
		const peer = last(FakePeer.all);
		const socket = last(FakeSocket.all);
		let open: (() => void) | undefined;
		peer.gate = new Promise((resolve) => (open = resolve));
		socket.say({ type: 'offer', offer_id: 7, sdp: 'first' });
		socket.say({ type: 'offer', offer_id: 8, sdp: 'second' });
		await vi.advanceTimersByTimeAsync(0);
		expect(socket.sent.filter((m) => m.type === 'answer')).toEqual([]);
		open?.();
		await vi.advanceTimersByTimeAsync(0);
		expect(peer.steps.slice(1)).toEqual(['offer first', 'offer second']);
		expect(socket.sent.filter((m) => m.type === 'answer')).toEqual([
			{ type: 'answer', offer_id: 7, sdp: 'answer-to-first' },
			{ type: 'answer', offer_id: 8, sdp: 'answer-to-second' }
		]);
	});

	it('ends the call when the browser refuses an offer', async () => {
		const { named } = await join();
		last(FakePeer.all).refuse = 'bad m-line';
		last(FakeSocket.all).say({ type: 'offer', offer_id: 1, sdp: 'odd' });
		await vi.advanceTimersByTimeAsync(0);
		expect(named('closed')).toEqual([
			{ reason: 'The browser could not set up the call: bad m-line', error: true }
		]);
	});

	it('names the participant whose voice arrives', async () => {
		const { named } = await join();
		const track = {};
		last(FakePeer.all).ontrack?.({ track, streams: [{ id: 'tutor' }] });
		expect(named('track')).toEqual([{ participantId: 'tutor', track }]);
	});
});

describe('a lost socket', () => {
	it('is resumed with the newest token, without touching the media', async () => {
		const { named, client } = await join();
		client.mute(true);
		last(FakeSocket.all).drop();
		expect(client.connection).toBe('reconnecting');
		await vi.advanceTimersByTimeAsync(250);
		const socket = last(FakeSocket.all);
		socket.open();
		expect(socket.sent[0]).toEqual({ type: 'resume', token: 'token-1', restart_ice: false });
		socket.say({ type: 'resumed', resume_token: 'token-2', phase: preparing, peers: [] });
		expect(socket.sent[1]).toEqual({ type: 'mute', muted: true });
		expect(client.connection).toBe('connected');
		expect(FakePeer.all).toHaveLength(1);

		socket.drop();
		await vi.advanceTimersByTimeAsync(250);
		last(FakeSocket.all).open();
		expect(last(FakeSocket.all).sent[0]).toMatchObject({ token: 'token-2' });
		expect(named('closed')).toEqual([]);
	});

	it('is reconnected with growing pauses, then given up', async () => {
		const { named } = await join();
		last(FakeSocket.all).drop();
		const waits: number[] = [];
		for (let at = performance.now(); named('closed').length === 0; at = performance.now()) {
			const before = FakeSocket.all.length;
			while (FakeSocket.all.length === before && named('closed').length === 0)
				await vi.advanceTimersByTimeAsync(50);
			waits.push(performance.now() - at);
			last(FakeSocket.all).drop();
		}
		// The first try resumes, and is followed by a join at once.
		expect(waits.slice(0, 8)).toEqual([250, 50, 400, 600, 850, 1300, 1900, 2000]);
		expect(named('closed')).toMatchObject([{ error: true }]);
		const made = FakeSocket.all.length;
		await vi.advanceTimersByTimeAsync(60_000);
		expect(FakeSocket.all).toHaveLength(made);
	});

	it('is reconnected at once when the network is back', async () => {
		const { client } = await join();
		last(FakeSocket.all).drop();
		client.reconnectNow();
		expect(FakeSocket.all).toHaveLength(2);
		await vi.advanceTimersByTimeAsync(4_000);
		expect(FakeSocket.all).toHaveLength(2);
	});

	it('leads to a new join when the server forgot the participant', async () => {
		const { client, named } = await join();
		last(FakeSocket.all).drop();
		await vi.advanceTimersByTimeAsync(250);
		last(FakeSocket.all).open();
		last(FakeSocket.all).say({
			type: 'error',
			code: 'resume_unknown',
			message: 'gone',
			fatal: true
		});
		await vi.advanceTimersByTimeAsync(1_000);
		last(FakeSocket.all).open();
		expect(last(FakeSocket.all).sent[0]).toMatchObject({ type: 'join', ticket: 'ticket-2' });
		last(FakeSocket.all).say(joined);
		last(FakePeer.all).become('connected');
		expect(FakePeer.all.map((p) => p.closed)).toEqual([true, false]);
		expect(client.connection).toBe('connected');
		expect(named('closed')).toEqual([]);
	});

	it('leads to a new join where the ticket says when its server is gone', async () => {
		const ticket = vi.fn(async () => ({ url: '/ws', ticket: 'ticket', ice_servers: [] }));
		const { client } = await join({ ticket });
		last(FakeSocket.all).drop();
		await vi.advanceTimersByTimeAsync(250);
		ticket.mockRejectedValueOnce(new Problem(0, 'Bedside cannot be reached.'));
		last(FakeSocket.all).drop(); // the resume
		await vi.advanceTimersByTimeAsync(500);
		expect(FakePeer.all[0]?.closed).toBe(false); // the network may be back at any time
		ticket.mockRejectedValueOnce(noServer);
		last(FakeSocket.all).drop(); // another resume
		const url = 'wss://two.example/ws';
		ticket.mockResolvedValue({ url, ticket: 'other', ice_servers: [] });
		await vi.advanceTimersByTimeAsync(1_000);
		last(FakeSocket.all).drop();
		await vi.advanceTimersByTimeAsync(0);
		expect(last(FakeSocket.all).url).toBe('wss://two.example/ws');
		last(FakeSocket.all).open();
		expect(last(FakeSocket.all).sent[0]).toMatchObject({ type: 'join', ticket: 'other' });
		last(FakeSocket.all).say(joined);
		last(FakePeer.all).become('connected');
		expect(client.connection).toBe('connected');
		expect(FakePeer.all.map((p) => p.closed)).toEqual([true, false]);
	});

	it('leads to a new join when the room moves, and keeps the phase', async () => {
		const { client, named } = await join();
		const moving: Phase = { ...playing, running: false, reason: 'moving' };
		last(FakeSocket.all).say({ type: 'phase', phase: moving });
		last(FakeSocket.all).say({ type: 'moving', reason: 'the server is being restarted' });
		last(FakeSocket.all).drop(1012, 'the server is being restarted');
		expect(client.connection).toBe('reconnecting');
		await vi.advanceTimersByTimeAsync(250);
		expect(FakeSocket.all).toHaveLength(2);
		last(FakeSocket.all).open();
		expect(last(FakeSocket.all).sent[0]).toMatchObject({ type: 'join', ticket: 'ticket-2' });
		expect(named('phase').at(-1)).toEqual(moving);
		last(FakeSocket.all).say({ ...joined, phase: playing });
		last(FakePeer.all).become('connected');
		expect(client.connection).toBe('connected');
		expect(named('phase').at(-1)).toEqual(playing);
		expect(named('closed')).toEqual([]);
	});

	it('leads to a new join when another server has the room', async () => {
		const { client, named } = await join();
		for (const ticket of ['ticket-2', 'ticket-3']) {
			const code = 'other_node';
			last(FakeSocket.all).say({ type: 'error', code, message: 'elsewhere', fatal: true });
			await vi.advanceTimersByTimeAsync(1_000);
			last(FakeSocket.all).open();
			expect(last(FakeSocket.all).sent[0]).toMatchObject({ type: 'join', ticket });
		}
		last(FakeSocket.all).say(joined);
		last(FakePeer.all).become('connected');
		expect(client.connection).toBe('connected');
		expect(named('closed')).toEqual([]);
	});

	it('tells the server what was sent on the lost connection of a play', async () => {
		const { client } = await join({ stream: microphone() });
		client.hide(true);
		last(FakeSocket.all).say({ type: 'phase', phase: playing });
		last(FakePeer.all).sent = 1_005;
		for (const lost of [1, 2]) {
			last(FakeSocket.all).drop();
			await vi.advanceTimersByTimeAsync(500 * lost);
			last(FakeSocket.all).open();
			const code = 'resume_unknown';
			last(FakeSocket.all).say({ type: 'error', code, message: 'gone', fatal: true });
			await vi.advanceTimersByTimeAsync(2_000);
			last(FakeSocket.all).open();
			last(FakeSocket.all).say({ ...joined, phase: playing });
			last(FakePeer.all).sent = 205;
		}
		expect(last(FakeSocket.all).sent.slice(1)).toEqual([
			{ type: 'hidden', hidden: true },
			{ type: 'sent', ssrc: 1, packets: 1_000 },
			{ type: 'sent', ssrc: 2, packets: 200 }
		]);
	});

	it('leads to a new join even while the server starts', async () => {
		const refusals: unknown[] = [
			new Problem(0, 'away'),
			new Problem(503, 'starting'),
			new Problem(409, 'This role play has ended.')
		];
		const tickets = [{ url: '/ws', ticket: 'ticket-1', ice_servers: [] }];
		const { named } = await join({
			ticket: async () => tickets.pop() ?? Promise.reject(refusals.shift())
		});
		last(FakeSocket.all).say({
			type: 'error',
			code: 'resume_unknown',
			message: 'gone',
			fatal: true
		});
		await vi.advanceTimersByTimeAsync(5_000);
		expect(refusals).toEqual([]);
		expect(named('closed')).toEqual([{ reason: 'This role play has ended.', error: true }]);
	});

	it('is detected when the server stops answering', async () => {
		const { client } = await join();
		const socket = last(FakeSocket.all);
		await vi.advanceTimersByTimeAsync(60_000);
		expect(client.connection).toBe('connected');
		socket.silent = true;
		await vi.advanceTimersByTimeAsync(2_500);
		expect(client.connection).toBe('connected');
		await vi.advanceTimersByTimeAsync(500);
		expect(client.connection).toBe('reconnecting');
	});

	it('is tried again when the new socket does not open', async () => {
		await join();
		last(FakeSocket.all).drop();
		await vi.advanceTimersByTimeAsync(250);
		expect(FakeSocket.all).toHaveLength(2);
		await vi.advanceTimersByTimeAsync(5_600);
		expect(FakeSocket.all).toHaveLength(3);
	});
});

describe('the count of what was sent', () => {
	async function play(options: Partial<RoomOptions> = {}) {
		const room = await join({ stream: microphone(), ...options });
		last(FakeSocket.all).say({ type: 'phase', phase: playing });
		last(FakePeer.all).sent = 1_005;
		return { ...room, sent: () => last(FakeSocket.all).sent.slice(1) };
	}
	const count = (ssrc: number, packets: number) => ({ type: 'sent', ssrc, packets });

	it('is told before the play is finished', async () => {
		const { client, sent } = await play();
		await client.finish();
		expect(sent()).toEqual([count(1, 1_000), { type: 'finish' }]);
	});

	it('is told when the server has ended the play', async () => {
		const { sent } = await play();
		last(FakeSocket.all).say({ type: 'phase', phase: { ...playing, name: 'ended' } });
		await vi.advanceTimersByTimeAsync(0);
		expect(sent()).toEqual([count(1, 1_000)]);
	});

	it('does not hold back the end of the play', async () => {
		const { client, sent } = await play();
		last(FakePeer.all).getStats = () => new Promise(() => undefined);
		void client.finish();
		await vi.advanceTimersByTimeAsync(300);
		expect(sent()).toEqual([{ type: 'finish' }]);
	});

	it('is told when the page goes to the background', async () => {
		const { client, sent } = await play();
		client.hide(true);
		await vi.advanceTimersByTimeAsync(0);
		expect(sent()).toEqual([{ type: 'hidden', hidden: true }, count(1, 1_000)]);
	});

	it('is at most a second old when the page goes', async () => {
		const { client, sent } = await play();
		await vi.advanceTimersByTimeAsync(1_000);
		client.tellSent();
		client.tellSent();
		expect(sent().filter((m) => m.type !== 'ping')).toEqual([count(1, 1_000)]);
		client.close();
		expect(sent().at(-1)).toEqual({ type: 'leave' });
	});

	it('of an earlier page is told again with the next join', async () => {
		const counts = new SentCounts();
		counts.note([{ type: 'sent', ssrc: 77, packets: 300 }]);
		await join({ stream: microphone(), sent: counts });
		expect(last(FakeSocket.all).sent.slice(1)).toEqual([count(77, 300)]);
	});

	it('does not include the preparation', async () => {
		const { client } = await join({ stream: microphone() });
		last(FakePeer.all).sent = 1_005;
		await client.countSent();
		expect(last(FakeSocket.all).sent).toHaveLength(1);
	});
});

describe('lost media', () => {
	it('requests ICE restarts until it flows again', async () => {
		const { client } = await join();
		const socket = last(FakeSocket.all);
		const restarts = () => socket.sent.filter((m) => m.type === 'restart_ice').length;
		last(FakePeer.all).become('disconnected');
		expect(client.connection).toBe('reconnecting');
		await vi.advanceTimersByTimeAsync(1_900);
		expect(restarts()).toBe(0);
		await vi.advanceTimersByTimeAsync(100);
		expect(restarts()).toBe(1);
		last(FakePeer.all).become('failed');
		expect(restarts()).toBe(2);
		socket.say({ type: 'pong', id: 1 });
		await vi.advanceTimersByTimeAsync(5_000);
		expect(restarts()).toBe(3);
		last(FakePeer.all).become('connected');
		await vi.advanceTimersByTimeAsync(1_000);
		expect(restarts()).toBe(3);
		expect(client.connection).toBe('connected');
	});

	it('requests the restart with the resume when the socket is lost too', async () => {
		await join();
		last(FakePeer.all).become('failed');
		last(FakeSocket.all).drop();
		await vi.advanceTimersByTimeAsync(250);
		last(FakeSocket.all).open();
		expect(last(FakeSocket.all).sent[0]).toMatchObject({ type: 'resume', restart_ice: true });
	});
});

describe('the end of the call', () => {
	it('comes with the reason of a fatal error', async () => {
		const { named, client } = await join();
		last(FakeSocket.all).say({
			type: 'error',
			code: 'replaced',
			message: 'This room was opened in another window.',
			fatal: true
		});
		last(FakeSocket.all).drop(4001);
		expect(named('closed')).toEqual([
			{ reason: 'This room was opened in another window.', error: true, code: 'replaced' }
		]);
		expect(client.connection).toBe('closed');
		expect(last(FakePeer.all).closed).toBe(true);
	});

	it('does not come with a refused action', async () => {
		const { named } = await join();
		last(FakeSocket.all).say({
			type: 'error',
			code: 'wrong_state',
			message: 'The play has begun.',
			fatal: false
		});
		expect(named('problem')).toEqual(['The play has begun.']);
		expect(named('closed')).toEqual([]);
	});

	it('is sent to the server when the reader leaves', async () => {
		const { client, named } = await join();
		client.close();
		expect(last(FakeSocket.all).sent.at(-1)).toEqual({ type: 'leave' });
		await vi.advanceTimersByTimeAsync(60_000);
		expect(FakeSocket.all).toHaveLength(1);
		expect(named('closed')).toEqual([]);
	});
});

it('keeps the list of other people', async () => {
	const { named } = await join();
	const tutor = {
		participant_id: 'tutor',
		name: 'Tess',
		role: 'patient' as const,
		muted: false,
		connected: true
	};
	const socket = last(FakeSocket.all);
	socket.say({ type: 'peer_joined', peer: tutor });
	socket.say({ type: 'peer_updated', peer: { ...tutor, muted: true } });
	socket.say({ type: 'peer_left', participant_id: 'tutor', reason: '' });
	expect(named('peers')).toEqual([[], [tutor], [{ ...tutor, muted: true }], []]);
});

it('ignores messages that it does not understand', async () => {
	const { client } = await join();
	const socket = last(FakeSocket.all);
	for (const data of ['{', '[]', '"x"', '{"type":"news"}', new ArrayBuffer(2)])
		socket.onmessage?.({ data });
	expect(client.connection).toBe('connected');
});

it('makes a WebSocket address', () => {
	expect(address('/ws', 'http://localhost:8080/room/1?x=1')).toBe('ws://localhost:8080/ws');
	expect(address('wss://media.example/ws', 'https://bedside.example/')).toBe(
		'wss://media.example/ws'
	);
});
