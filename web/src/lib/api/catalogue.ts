// Requests about scenarios and progress. Guests may make those about scenarios.
import { call, get, send } from './http';
import type { Overview, ScenarioDetail, ScenarioList, ScenarioProgress } from './types';

/** Returns a page of the catalogue. `query` has the filters, as in the address of the page. */
export async function catalogue(query: URLSearchParams, before = ''): Promise<ScenarioList> {
	const all = new URLSearchParams(query);
	if (before) all.set('before', before);
	const search = all.size > 0 ? `?${all}` : '';
	return open<ScenarioList>(`/api/scenarios${search}`);
}

export const scenario = (slug: string): Promise<ScenarioDetail> =>
	open(`/api/scenarios/${encodeURIComponent(slug)}`);

export const overview = (): Promise<Overview> => get('/api/progress');

const progressOf = (slug: string) => `/api/protected/progress/${encodeURIComponent(slug)}`;
export const progress = (slug: string): Promise<ScenarioProgress> => get(progressOf(slug));

/** Changes a bookmark, notes, or whether the card was read; what is not given stays. */
export const mark = (
	slug: string,
	marks: { bookmarked?: boolean; card_read?: boolean; notes?: string }
): Promise<ScenarioProgress> => send('POST', progressOf(slug), marks);

async function open<T>(path: string): Promise<T> {
	return (await (await call('GET', path, { guests: true })).json()) as T;
}
