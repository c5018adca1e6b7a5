import { describe, expect, it } from 'vitest';
import {
	follow,
	pitchLine,
	pitchLines,
	pitchPlace,
	pitchScale,
	place,
	ticks,
	timeAt,
	viewAround,
	waveform
} from './timeline';

const whole = { from: 0, to: 100 };

describe('the view', () => {
	it('maps times to places and back', () => {
		expect(place(25, whole, 400)).toBe(100);
		expect(timeAt(100, whole, 400)).toBe(25);
		expect([timeAt(-5, whole, 400), timeAt(999, whole, 400)]).toEqual([0, 100]);
	});

	it('zooms around a time and stays within the ends', () => {
		expect(viewAround(50, 4, 100)).toEqual({ from: 37.5, to: 62.5 });
		expect(viewAround(2, 4, 100)).toEqual({ from: 0, to: 25 });
		expect(viewAround(99, 4, 100)).toEqual({ from: 75, to: 100 });
		expect(viewAround(50, 1, 100)).toEqual(whole);
	});

	it('turns the page when the playback leaves it', () => {
		const view = { from: 0, to: 25 };
		expect(follow(view, 24.9, 100)).toBe(view);
		expect(follow(view, 26, 100)).toEqual({ from: 24.75, to: 49.75 });
		expect(follow(view, 99, 100)).toEqual({ from: 75, to: 100 });
	});
});

describe('the waveform', () => {
	it('shows the loudest peak of each column', () => {
		const peaks = Array.from({ length: 2000 }, (_, i) => (i === 999 ? 1 : 0));
		const path = waveform(peaks, whole, 100, 40);
		expect(path.startsWith('M1 19.5')).toBe(true);
		expect(path).toContain('49 0L'); // 49.95 s, full height
		expect(path.match(/L/g)).toHaveLength(99);
	});

	it('is flat where there are no peaks', () => {
		expect(waveform([], whole, 4, 10)).toBe('M1 4.5L3 4.5L3 5.5L1 5.5Z');
		expect(waveform([], whole, 0, 10)).toBe('');
	});
});

describe('the pitch', () => {
	it('has a scale around most points, an octave at least', () => {
		const { low, high } = pitchScale([{ t_s: 0, hz: 200 }]);
		expect(high / low).toBeCloseTo(2);
		expect(Math.sqrt(low * high)).toBeCloseTo(200);
		expect(pitchScale([])).toEqual({ low: 75, high: 300 });
	});

	it('goes up by semitones', () => {
		const scale = { low: 100, high: 400 };
		expect([100, 200, 400].map((hz) => pitchPlace(hz, scale, 100))).toEqual([100, 50, 0]);
		expect(pitchLines(scale)).toEqual([120, 150, 200, 250, 300]);
	});

	it('is joined within a voiced stretch only', () => {
		const scale = { low: 100, high: 400 };
		const points = [10, 10.01, 10.02, 20, 20.01].map((t_s) => ({ t_s, hz: 200 }));
		const line = pitchLine(points, { from: 9, to: 21 }, 12_000, scale, 100);
		expect(line).toBe('M1000 50h0.5L1010 50L1020 50M11000 50h0.5L11010 50');
		expect(pitchLine(points, { from: 12, to: 19 }, 100, scale, 100)).toBe('');
	});

	it('has at most one point per pixel', () => {
		const points = Array.from({ length: 10_000 }, (_, i) => ({ t_s: i / 100, hz: 200 }));
		expect(
			pitchLine(points, whole, 300, { low: 100, high: 400 }, 100).split('L').length
		).toBeLessThanOrEqual(301);
	});
});

it('labels round times', () => {
	expect(ticks(whole, 400)).toEqual([0, 30, 60, 90]);
	expect(ticks({ from: 31, to: 36 }, 800)).toEqual([
		31, 31.5, 32, 32.5, 33, 33.5, 34, 34.5, 35, 35.5, 36
	]);
});
