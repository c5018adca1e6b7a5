/** What selects attempts, as the page's address says it. Empty values select all. */
export interface PracticeFilter {
	from: string;
	to: string;
	profession: string;
	difficulty: string;
	criterion: string;
	scenario: string;
	tutor: string;
}

const KEYS: (keyof PracticeFilter)[] = [
	'from',
	'to',
	'profession',
	'difficulty',
	'criterion',
	'scenario',
	'tutor'
];

/** Reads the filter from a page's address, and leaves out what is not part of it. */
export function readFilter(params: URLSearchParams): PracticeFilter {
	const filter = {} as PracticeFilter;
	for (const key of KEYS) filter[key] = params.get(key) ?? '';
	return filter;
}

/** Returns the filter as a query, without empty values: the same for the page and the server. */
export function writeFilter(filter: PracticeFilter): string {
	const params = new URLSearchParams();
	for (const key of KEYS) if (filter[key]) params.set(key, filter[key]);
	return params.toString();
}

/** Reports whether a filter selects less than everything in the usual period. */
export const isFiltered = (filter: PracticeFilter): boolean => writeFilter(filter) !== '';
