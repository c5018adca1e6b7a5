import { describe, expect, it } from 'vitest';
import { Playback, type Playable } from './playback.svelte';

class Track implements Playable {
	currentTime = 0;
	playbackRate = 1;
	paused = true;
	muted = false;
	seeking = false;
	refusal: Error | undefined;
	constructor(readonly duration: number) {}
	get ended(): boolean {
		return this.currentTime >= this.duration;
	}
	async play(): Promise<void> {
		if (this.refusal) throw this.refusal;
		this.paused = false;
	}
	pause(): void {
		this.paused = true;
	}
}

function setUp(...durations: number[]) {
	const tracks = durations.map((d) => new Track(d));
	let next: (() => void) | undefined;
	const playback = new Playback(
		Math.max(...durations),
		(step) => {
			next = step;
			return 1;
		},
		() => (next = undefined)
	);
	playback.setTracks(tracks);
	return { playback, tracks: tracks as [Track, Track], frame: () => next?.() };
}

describe('two recordings', () => {
	it('start, stop and change speed together', async () => {
		const { playback, tracks } = setUp(60, 58);
		playback.setRate(1.5);
		await playback.play();
		expect(tracks.map((t) => [t.paused, t.playbackRate])).toEqual([
			[false, 1.5],
			[false, 1.5]
		]);
		playback.pause();
		expect(tracks.every((t) => t.paused)).toBe(true);
	});

	it('are kept in step by the longer one', async () => {
		const { playback, tracks, frame } = setUp(58, 60);
		await playback.play();
		tracks[1].currentTime = 10;
		tracks[0].currentTime = 9.97;
		frame();
		expect([playback.time, tracks[0].currentTime]).toEqual([10, 9.97]);
		tracks[0].currentTime = 9.8;
		tracks[0].seeking = true; // it waits for the network
		frame();
		expect(tracks[0].currentTime).toBe(9.8);
		tracks[0].seeking = false;
		frame();
		expect(tracks[0].currentTime).toBe(10);
	});

	it('go on when the shorter one is over, and both play after going back', async () => {
		const { playback, tracks, frame } = setUp(60, 30);
		await playback.play();
		tracks[0].currentTime = 40;
		tracks[1].currentTime = 30;
		tracks[1].pause();
		frame();
		expect(playback.playing).toBe(true);
		playback.seek(5);
		await Promise.resolve();
		expect(tracks.map((t) => [t.currentTime, t.paused])).toEqual([
			[5, false],
			[5, false]
		]);
	});

	it('stop at the end, and play again from the beginning', async () => {
		const { playback, tracks, frame } = setUp(60, 60);
		await playback.play();
		tracks[0].currentTime = 60;
		frame();
		expect([playback.playing, playback.time]).toEqual([false, 60]);
		await playback.play();
		expect(playback.time).toBe(0);
	});
});

it('stays within the ends', () => {
	const { playback } = setUp(60);
	playback.seek(-4);
	expect(playback.time).toBe(0);
	playback.seek(99);
	expect(playback.time).toBe(60);
});

it('says when nothing can be played', async () => {
	const { playback, tracks } = setUp(60);
	tracks[0].refusal = new Error('decode');
	await playback.play();
	expect(playback.playing).toBe(false);
	expect(playback.problem).not.toBe('');
});
