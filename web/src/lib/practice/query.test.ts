import { expect, it } from 'vitest';
import { active, catalogueAddress, filtersOf, having, toggled } from './query';

const query = (text: string) => new URLSearchParams(text);

it('takes only filters from the address', () => {
	expect(filtersOf(query('profession=nursing&limit=100&state=draft&q=&tag=x')).toString()).toBe(
		'profession=nursing&tag=x'
	);
});

it('adds and removes one of several values', () => {
	const both = toggled(query('difficulty=1'), 'difficulty', '2');
	expect(both.toString()).toBe('difficulty=1&difficulty=2');
	expect(toggled(both, 'difficulty', '1').toString()).toBe('difficulty=2');
});

it('replaces the only value of a filter, and removes an empty one', () => {
	expect(having(query('q=a&tag=b'), 'q', 'c d').toString()).toBe('q=c+d&tag=b');
	expect(having(query('q=a'), 'q', '').toString()).toBe('');
});

it('says in words which filters are on', () => {
	const on = active(
		query('profession=speech-pathology&difficulty=3&tried=false&q=insulin&sort=newest')
	);
	expect(on.map((filter) => filter.words)).toEqual([
		'Speech pathology',
		'Demanding',
		'Not tried yet',
		'“insulin”'
	]);
});

it('makes the address of the page', () => {
	expect(catalogueAddress(query(''))).toBe('/scenarios');
	expect(catalogueAddress(query('tag=fear'))).toBe('/scenarios?tag=fear');
});
