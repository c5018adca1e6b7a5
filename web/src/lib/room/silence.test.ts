import { describe, expect, it } from 'vitest';
import { SilenceWatch, SoundDetector } from './silence';

const quiet = { rms: -65, peak: -55 };
const loud = { rms: -30, peak: -12 };

describe('the first sound', () => {
	it('is more than a click', () => {
		const sounds = new SoundDetector();
		for (const level of [loud, loud, quiet, loud, loud, loud]) sounds.add(level);
		expect(sounds.heard).toBe(false);
		expect(sounds.add(loud)).toBe(true);
		expect(sounds.add(quiet)).toBe(true);
		sounds.reset();
		expect(sounds.heard).toBe(false);
	});
});

describe('silence in a play', () => {
	/** Adds levels every 40 ms; returns after how many milliseconds it was noticed. */
	function run(watch: SilenceWatch, level: typeof quiet, ms: number, counts = true, from = 0) {
		for (let t = 0; t <= ms; t += 40)
			if (watch.add(level, from + t, counts)) return t;
		return undefined;
	}

	it('is noticed after eight seconds, until the first sound', () => {
		const watch = new SilenceWatch();
		expect(run(watch, quiet, 20_000)).toBe(8_000);
		for (const t of [8_040, 8_080, 8_120]) expect(watch.add(loud, t, true)).toBe(true);
		expect(watch.add(loud, 8_160, true)).toBe(false); // more than a click
		expect(run(watch, quiet, 60_000, true, 8_240)).toBeUndefined(); // the patient speaks
	});

	it('does not count while the speaker is muted or the clock stands', () => {
		const watch = new SilenceWatch();
		expect(run(watch, quiet, 6_000)).toBeUndefined();
		expect(run(watch, quiet, 60_000, false, 6_000)).toBeUndefined();
		expect(run(watch, quiet, 60_000, true, 66_000)).toBe(2_000);
	});

	it('does not count time in which nothing was measured', () => {
		const watch = new SilenceWatch();
		for (let t = 0; t < 600_000; t += 5_000) expect(watch.add(quiet, t, true)).toBe(false);
	});

	it('begins again with another microphone', () => {
		const watch = new SilenceWatch();
		run(watch, quiet, 9_000);
		watch.reset();
		expect(run(watch, quiet, 20_000, true, 9_000)).toBe(8_000);
	});
});
