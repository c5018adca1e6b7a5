// The REST interface, one function for each thing that a screen asks for.
import type { Role } from '$lib/gen/protocol';
import { call, get, send } from './http';
import type {
	Attempt,
	AttemptDetail,
	AttemptPage,
	NewAttempt,
	Report,
	Room,
	RoomList,
	Scenario,
	ScenarioList,
	ScenarioSummary,
	Speaker,
	Ticket,
	TicketRequest
} from './types';

const part = encodeURIComponent;

export const scenarios = async (): Promise<ScenarioSummary[]> =>
	(await get<ScenarioList>('/api/scenarios')).items;
export const scenario = (slug: string): Promise<Scenario> => get(`/api/scenarios/${part(slug)}`);
export const attempt = (id: string, signal?: AbortSignal): Promise<AttemptDetail> =>
	get(`/api/attempts/${part(id)}`, signal);
export const createAttempt = (slug: string): Promise<Attempt> =>
	send('POST', '/api/attempts', { scenario: slug, consent: true } satisfies NewAttempt);
export const ticket = (id: string, role: Role): Promise<Ticket> =>
	send('POST', `/api/attempts/${part(id)}/ticket`, { role } satisfies TicketRequest);
export const report = (id: string, signal?: AbortSignal): Promise<Report> =>
	get(`/api/attempts/${part(id)}/report`, signal);
export const rooms = async (signal?: AbortSignal): Promise<Room[]> =>
	(await get<RoomList>('/api/rooms', signal)).items;

/** A page of your attempts, newest first; give `next` as `before` for the following one. */
export function attempts(before = ''): Promise<AttemptPage> {
	return get(before ? `/api/attempts?before=${part(before)}` : '/api/attempts');
}

/** One speaker's recording; the address needs the token, so the page keeps it as a blob. */
export async function recording(
	id: string,
	speaker: Speaker,
	signal?: AbortSignal
): Promise<Blob> {
	return (await call('GET', `/api/attempts/${part(id)}/audio/${speaker}`, { signal })).blob();
}
