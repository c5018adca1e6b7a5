import { expect, it } from 'vitest';
import { matches, NO_FILTER } from './filter';

it('filters by profession and difficulty', () => {
	const nursing = { profession: 'nursing', difficulty: 2 };
	const fits = (profession: string, difficulties: string[]) =>
		matches(nursing, { profession, difficulties });
	expect(matches(nursing, NO_FILTER)).toBe(true);
	expect([fits('nursing', ['1', '2']), fits('all', ['2'])]).toEqual([true, true]);
	expect([fits('medicine', []), fits('all', ['1', '3'])]).toEqual([false, false]);
});
