import { expect, it } from 'vitest';
import { isFiltered, readFilter, writeFilter } from './filter';

it('reads what it writes', () => {
	const query = 'from=2026-08-01&to=2026-10-31&profession=nursing&difficulty=2&criterion=giving';
	expect(writeFilter(readFilter(new URLSearchParams(query)))).toBe(query);
});

it('leaves out what is empty or unknown, which the server would refuse', () => {
	const filter = readFilter(new URLSearchParams('profession=&utm_source=mail&difficulty=3'));
	expect(writeFilter(filter)).toBe('difficulty=3');
	expect(isFiltered(filter)).toBe(true);
	expect(isFiltered(readFilter(new URLSearchParams('utm_source=mail')))).toBe(false);
});
