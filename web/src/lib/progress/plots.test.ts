import { expect, it } from 'vitest';
import {
	criterionName,
	dayMonth,
	gridLines,
	highestScore,
	labelEvery,
	practised,
	range,
	share
} from './plots';

it('writes lengths of practice', () => {
	expect([0, 40, 60, 300, 3600, 5100].map(practised)).toEqual([
		'0 s',
		'40 s',
		'1 min',
		'5 min',
		'1 h',
		'1 h 25 min'
	]);
});

it('writes dates without moving them to another day', () => {
	expect(dayMonth('2026-11-02')).toBe('2 Nov');
	expect(dayMonth('2026-01-31')).toBe('31 Jan');
});

it.each([
	[0, [0, 1]],
	[1, [0, 1]],
	[3, [0, 1, 2, 3]],
	[25, [0, 10, 20, 30]],
	[60, [0, 20, 40, 60]],
	[1000, [0, 500, 1000]]
])('has grid lines up to %d', (max, lines) => {
	expect(gridLines(max)).toEqual(lines);
});

it('leaves out labels that would touch', () => {
	expect(labelEvery(12, 1000)).toBe(1);
	expect(labelEvery(12, 300)).toBe(3);
	expect(labelEvery(12, 0)).toBeGreaterThan(12);
});

it('names criteria and their scores', () => {
	expect(criterionName('giving')).toBe('Giving information');
	expect(highestScore('giving')).toBe(3);
	expect(criterionName('unknown')).toBe('unknown');
});

it('writes ranges and shares', () => {
	expect(range(3.5, 4.5)).toBe('3.5 to 4.5');
	expect(range(4, 4.01)).toBe('4');
	expect(share(1, 3)).toBe('33 %');
	expect(share(0, 0)).toBe('–');
});
