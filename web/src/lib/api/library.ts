// Requests of tutors and administrators about the library of scenarios.
import type { components } from '$lib/gen/api';
import { call, get, send } from './http';
import type { ScenarioList, ScenarioSummary } from './types';

type Schemas = components['schemas'];

const part = encodeURIComponent;
const path = (id: string) => `/api/scenarios/${part(id)}`;

/** What the library knows about a scenario. */
export type LibraryEntry = Schemas['Library'];
export type LibraryState = LibraryEntry['state'];
export type ScenarioVersion = Schemas['Version'];
export type Finding = Schemas['Finding'];

/** A scenario document, as package store describes it. The schema says what is in it. */
export type ScenarioDocument = Record<string, unknown>;

/** Tutors and administrators always get `library`, and `document` with a single scenario. */
export type LibraryItem = ScenarioSummary & { library: LibraryEntry };
export type LibraryScenario = LibraryItem & { document: ScenarioDocument };

export type LibraryPage = Pick<ScenarioList, 'next' | 'total'> & { items: LibraryItem[] };

/** A part of the JSON Schema of scenarios, as far as the form needs it. */
export interface Schema {
	type?: 'object' | 'array' | 'string' | 'integer';
	description?: string;
	properties?: Record<string, Schema>;
	required?: string[];
	items?: Schema;
	anyOf?: Schema[];
	enum?: string[];
	minLength?: number;
	maxLength?: number;
	minimum?: number;
	maximum?: number;
	minItems?: number;
	maxItems?: number;
	uniqueItems?: boolean;
	pattern?: string;
}

export interface LibraryFilter {
	state: LibraryState;
	q: string;
	profession: string;
}

/** Returns a page of the library; `before` is the `next` of the page before. */
export function library(filter: LibraryFilter, before = ''): Promise<LibraryPage> {
	const query = new URLSearchParams({ state: filter.state, limit: '30' });
	if (filter.q.trim()) query.set('q', filter.q.trim());
	if (filter.profession) query.set('profession', filter.profession);
	if (before) query.set('before', before);
	return get(`/api/scenarios?${query}`);
}

export const libraryScenario = (id: string, version = 0): Promise<LibraryScenario> =>
	get(version ? `${path(id)}/versions/${version}` : path(id));
export const versions = async (id: string): Promise<ScenarioVersion[]> =>
	(await get<{ items: ScenarioVersion[] }>(`${path(id)}/versions`)).items;
export const schema = (): Promise<Schema> => get('/api/scenarios/schema');

/** Creates a draft. */
export const createScenario = (document: ScenarioDocument): Promise<LibraryScenario> =>
	send('POST', '/api/scenarios', document);

/** Saves a document as the version after `version`. Status 412: there is another one already. */
export async function saveScenario(
	id: string,
	version: number,
	document: ScenarioDocument,
	note = ''
): Promise<LibraryScenario> {
	const query = note ? `?note=${part(note)}` : '';
	const answer = await call('PUT', path(id) + query, {
		body: document,
		headers: { 'If-Match': `"v${version}"` }
	});
	return (await answer.json()) as LibraryScenario;
}

/** Publishes a version. Status 412: there is another one already. */
export async function publishScenario(id: string, version: number): Promise<LibraryScenario> {
	const answer = await call('POST', `${path(id)}/publish`, {
		headers: { 'If-Match': `"v${version}"` }
	});
	return (await answer.json()) as LibraryScenario;
}

export const archiveScenario = (id: string): Promise<LibraryScenario> =>
	send('POST', `${path(id)}/archive`);
export const duplicateScenario = (id: string): Promise<LibraryScenario> =>
	send('POST', `${path(id)}/duplicate`);
export const deleteScenario = (id: string): Promise<void> => send('DELETE', path(id));

export async function importScenarios(yaml: string): Promise<{ id: string; slug: string }[]> {
	const answer = await call('POST', '/api/scenarios/import', { body: yaml });
	return ((await answer.json()) as { items: { id: string; slug: string }[] }).items;
}

export const exportScenario = async (id: string): Promise<string> =>
	(await call('GET', `${path(id)}/export`)).text();

/** Returns what should be changed in a text. */
export async function lint(yaml: string, signal?: AbortSignal): Promise<Finding[]> {
	const answer = await call('POST', '/api/scenarios/lint', { body: yaml || ' ', signal });
	return ((await answer.json()) as { items: Finding[] }).items;
}
