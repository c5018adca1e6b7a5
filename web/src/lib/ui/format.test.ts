import { expect, it } from 'vitest';
import { clock, day, minutes, moment, size, when, whenInside } from './format';

it('formats clocks and positions', () => {
	expect([180, 179.2, 0.4, 0, -3].map(clock)).toEqual(['3:00', '3:00', '0:01', '0:00', '0:00']);
	expect([0, 9.96, 62.44, 299.999].map(moment)).toEqual([
		'0:00.0',
		'0:10.0',
		'1:02.4',
		'5:00.0'
	]);
	expect([60, 180, 90].map(minutes)).toEqual(['1 minute', '3 minutes', '90 seconds']);
});

it('formats dates and sizes', () => {
	expect(day(new Date(2026, 1, 3, 12, 0).toISOString())).toBe('3 February 2026');
	expect([0, 999, 1000, 3_440_000, 25_000_000, 9_999_999_999].map(size)).toEqual([
		'0 bytes',
		'999 bytes',
		'1.0 kB',
		'3.4 MB',
		'25 MB',
		'10.0 GB'
	]);
});

it('formats dates and times', () => {
	const now = new Date(2026, 4, 2, 9, 0);
	expect(when(new Date(2026, 4, 2, 8, 5).toISOString(), now)).toBe('Today, 08:05');
	expect(when(new Date(2026, 4, 1, 23, 59).toISOString(), now)).toBe('Yesterday, 23:59');
	expect(whenInside(new Date(2026, 4, 1, 23, 59).toISOString(), now)).toBe('yesterday, 23:59');
	expect(when(new Date(2026, 1, 3, 12, 0).toISOString(), now)).toBe('3 February, 12:00');
	expect(when(new Date(2025, 1, 3, 12, 0).toISOString(), now)).toBe('3 February 2025, 12:00');
});
