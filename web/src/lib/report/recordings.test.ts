import { beforeEach, expect, it, vi } from 'vitest';
import { Problem } from '$lib/api/problem';
import type { Report, Speaker } from '$lib/api/types';
import { Recordings } from './recordings.svelte';

/** Stands for an audio element, whose address the test lets work or fail. */
class Sound {
	static made: Sound[] = [];
	static works = true;
	onloadedmetadata: (() => void) | null = null;
	onerror: (() => void) | null = null;
	preload = '';
	duration = 300;
	currentTime = 0;
	playbackRate = 1;
	paused = true;
	muted = false;
	seeking = false;
	ended = false;
	#src = '';
	constructor() {
		Sound.made.push(this);
	}
	get src(): string {
		return this.#src;
	}
	/** Begins anew, as an element does. */
	set src(url: string) {
		this.#src = url;
		this.currentTime = 0;
		this.playbackRate = 1;
		this.paused = true;
		const { works } = Sound;
		queueMicrotask(() => (works ? this.onloadedmetadata?.() : this.onerror?.()));
	}
	removeAttribute(): void {
		this.#src = '';
	}
	load(): void {
		this.paused = true;
	}
	async play(): Promise<void> {
		this.paused = false;
	}
	pause(): void {
		this.paused = true;
	}
}

const report = {
	attempt_id: 'a1',
	duration_s: 300,
	speakers: [
		{ speaker: 'candidate', recording: { state: 'kept' } },
		{ speaker: 'patient', recording: {} },
		{ speaker: 'patient' }
	]
} as Report;

beforeEach(() => {
	vi.useFakeTimers({ now: 0 });
	vi.stubGlobal('Audio', Sound);
	vi.stubGlobal('requestAnimationFrame', () => 1);
	vi.stubGlobal('cancelAnimationFrame', () => undefined);
	Sound.made = [];
	Sound.works = true;
	return () => {
		vi.useRealTimers();
		vi.unstubAllGlobals();
	};
});

async function setUp() {
	let n = 0;
	const recording = vi.fn(
		async (id: string, speaker: Speaker, _signal: AbortSignal) => `/${id}/${speaker}/${++n}`
	);
	const recordings = new Recordings(
		report,
		{ recording, report: async () => report, recordingPending: async () => false },
		async () => undefined
	);
	await recordings.load();
	return { recordings, recording, sounds: Sound.made as [Sound, Sound] };
}
const addresses = (sounds: Sound[]) => sounds.map((s) => s.src);

it('plays each recording at its address', async () => {
	const { recordings, sounds } = await setUp();
	expect(addresses(sounds)).toEqual(['/a1/candidate/1', '/a1/patient/2']);
	expect([recordings.playback.ready, recordings.loading, recordings.problem]).toEqual([
		true,
		false,
		''
	]);
	recordings.close();
	expect(addresses(sounds)).toEqual(['', '']);
});

it('plays on at new addresses when the old ones have expired', async () => {
	const { recordings, sounds } = await setUp();
	const { playback } = recordings;
	playback.setRate(1.5);
	playback.playFrom(42);
	vi.setSystemTime(20 * 60_000);
	for (const sound of sounds) sound.onerror?.();
	expect(playback.playing).toBe(false);
	await vi.waitFor(() => expect(playback.playing).toBe(true));
	expect(addresses(sounds)).toEqual(['/a1/candidate/3', '/a1/patient/4']);
	expect(sounds.map((s) => [s.currentTime, s.playbackRate, s.paused])).toEqual([
		[42, 1.5, false],
		[42, 1.5, false]
	]);
	expect(recordings.problem).toBe('');
});

it('stays paused at its place when an address expires in a pause', async () => {
	const { recordings, recording, sounds } = await setUp();
	recordings.playback.seek(7);
	vi.setSystemTime(20 * 60_000);
	sounds[1].onerror?.();
	await vi.waitFor(() => expect(recording).toHaveBeenCalledTimes(4));
	await vi.waitFor(() => expect(sounds.map((s) => s.currentTime)).toEqual([7, 7]));
	expect(sounds.every((s) => s.paused)).toBe(true);
});

it('does not ask again and again for what cannot be played', async () => {
	const { recordings, recording, sounds } = await setUp();
	vi.setSystemTime(59_000);
	sounds[0].onerror?.();
	await vi.waitFor(() => expect(recordings.problem).toMatch('could not be played'));
	expect([recording.mock.calls.length, recordings.retryable]).toEqual([2, true]);
	expect(recordings.playback.ready).toBe(false);
	await recordings.load();
	expect([recordings.problem, recordings.playback.ready]).toEqual(['', true]);
});

it.each([
	['its address is refused', false],
	['no address is given', true]
])('says so when a recording cannot be renewed: %s', async (_, refused) => {
	const { recordings, recording, sounds } = await setUp();
	vi.setSystemTime(20 * 60_000);
	Sound.works = refused;
	if (refused) recording.mockRejectedValue(new Problem(404, 'It was deleted.'));
	sounds[0].onerror?.();
	await vi.waitFor(() => expect(recordings.problem).not.toBe(''));
	expect([recordings.problem === 'It was deleted.', recordings.retryable]).toEqual([
		refused,
		!refused
	]);
});
