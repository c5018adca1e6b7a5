// The filters of the catalogue, which stand in the address of its page.
import type { ScenarioFacets } from '$lib/api/types';
import { professionName } from '$lib/api/professions';
import { difficultyName } from './difficulty';
import { criterionName, plain } from './words';

interface Facet {
	name: keyof ScenarioFacets;
	label: string;
	show: (value: string) => string;
}

/** The filters with several values, in the order in which the page shows them. */
export const FACETS: Facet[] = [
	{ name: 'profession', label: 'Profession', show: professionName },
	{ name: 'difficulty', label: 'Difficulty', show: (value) => difficultyName(Number(value)) },
	{ name: 'criterion', label: 'What it trains', show: criterionName },
	{ name: 'setting', label: 'Setting', show: plain },
	{ name: 'clinical_focus', label: 'Clinical topic', show: plain },
	{ name: 'tag', label: 'Tag', show: plain }
];

export const SORTS = [
	{ value: 'profession', label: 'By profession' },
	{ value: 'difficulty', label: 'Gentlest first' },
	{ value: 'newest', label: 'Newest first' },
	{ value: 'title', label: 'By title' }
];

/** What the reader's own practice filters by. */
const MINE: Record<string, string> = {
	'tried=false': 'Not tried yet',
	'tried=true': 'Tried',
	'bookmarked=true': 'Bookmarked'
};

const NAMES: string[] = [...FACETS.map((f) => f.name), 'tried', 'bookmarked', 'q', 'sort'];

/** Returns the parts of an address that are filters, so that others are not sent to the server. */
export function filtersOf(search: URLSearchParams): URLSearchParams {
	return new URLSearchParams(
		[...search].filter(([name, value]) => NAMES.includes(name) && value !== '')
	);
}

/** Adds a value of a filter, or removes it. */
export function toggled(query: URLSearchParams, name: string, value: string): URLSearchParams {
	const next = new URLSearchParams(query);
	if (next.has(name, value)) next.delete(name, value);
	else next.append(name, value);
	return next;
}

/** Sets the only value of a filter; an empty one removes it. */
export function having(query: URLSearchParams, name: string, value: string): URLSearchParams {
	const next = new URLSearchParams(query);
	if (value === '') next.delete(name);
	else next.set(name, value);
	return next;
}

/** A filter that is on, in words. */
export interface ActiveFilter {
	name: string;
	value: string;
	words: string;
}

/** Returns the filters that are on. The order of the list is no filter. */
export function active(query: URLSearchParams): ActiveFilter[] {
	return [...query]
		.filter(([name]) => name !== 'sort')
		.map(([name, value]) => ({ name, value, words: wordsOf(name, value) }));
}

function wordsOf(name: string, value: string): string {
	if (name === 'q') return `“${value}”`;
	const facet = FACETS.find((f) => f.name === name);
	return facet ? facet.show(value) : (MINE[`${name}=${value}`] ?? `${name} ${value}`);
}

/** Returns the address of the catalogue with filters. */
export function catalogueAddress(query: URLSearchParams): string {
	return query.size > 0 ? `/scenarios?${query}` : '/scenarios';
}
