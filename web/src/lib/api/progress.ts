// Requests about practice: the own progress, and numbers for tutors and administrators.
import { call, get, send } from './http';
import type { Overview, Practice, ScenarioProgress } from './types';

const at = (scenario: string) => `/api/protected/progress/${encodeURIComponent(scenario)}`;

/** Reads all that the user has practised, and what to do next. */
export const progress = (signal?: AbortSignal): Promise<Overview> =>
	get('/api/progress', signal);

/** Reads the user's progress at a scenario, whose id or slug is given. */
export const scenarioProgress = (scenario: string): Promise<ScenarioProgress> => get(at(scenario));

/** What a user may set of a scenario; what is absent stays as it is. */
export interface Marks {
	bookmarked?: boolean;
	card_read?: boolean;
	notes?: string;
}

export const setMarks = (scenario: string, marks: Marks): Promise<ScenarioProgress> =>
	send('POST', at(scenario), marks);

/** Counts attempts. The query is that of the page's address. */
export const practice = (query: string): Promise<Practice> =>
	get(`/api/analytics/practice${query && `?${query}`}`);

/** Downloads the numbers as CSV, with a row for each of something. */
export async function practiceCSV(
	query: string,
	by: 'scenario' | 'criterion' | 'day'
): Promise<Blob> {
	const all = new URLSearchParams(query);
	all.set('by', by);
	return (await call('GET', `/api/analytics/practice.csv?${all}`)).blob();
}
