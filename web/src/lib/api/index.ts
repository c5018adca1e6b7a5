// Requests about attempts, rooms and reports.
import type { Role } from '$lib/gen/protocol';
import { call, get, send } from './http';
import { Problem } from './problem';
import type {
	Attempt,
	AttemptDetail,
	AttemptPage,
	AttemptState,
	AutomaticPatient,
	NewAttempt,
	PatientKind,
	Report,
	Room,
	RoomList,
	SignedURL,
	Speaker,
	SpeechWorker,
	SpeechWorkerList,
	Ticket,
	TicketRequest
} from './types';

const part = encodeURIComponent;

export const attempt = (id: string, signal?: AbortSignal): Promise<AttemptDetail> =>
	get(`/api/attempts/${part(id)}`, signal);
export const createAttempt = (slug: string, patient: PatientKind): Promise<Attempt> =>
	send('POST', '/api/attempts', {
		scenario: slug,
		consent: true,
		patient,
		mode: 'practice'
	} satisfies NewAttempt);
/** Reads whether an automatic patient can play now, and what hears the candidate. */
export const automaticPatient = (signal?: AbortSignal): Promise<AutomaticPatient> =>
	get('/api/patient', signal);
export const deleteAttempt = (id: string): Promise<void> =>
	send('DELETE', `/api/attempts/${part(id)}`);
export const ticket = (id: string, role: Role): Promise<Ticket> =>
	send('POST', `/api/attempts/${part(id)}/ticket`, { role } satisfies TicketRequest);
export const report = (id: string, signal?: AbortSignal): Promise<Report> =>
	get(`/api/attempts/${part(id)}/report`, signal);
export const rooms = async (signal?: AbortSignal): Promise<Room[]> =>
	(await get<RoomList>('/api/rooms', signal)).items;
/** The processes that play automatic patients. Only administrators may ask. */
export const speechWorkers = async (signal?: AbortSignal): Promise<SpeechWorker[]> =>
	(await get<SpeechWorkerList>('/api/patient/workers', signal)).items;

/** Which of the own attempts to list; an empty or missing part leaves none out. */
export interface AttemptFilter {
	/** The slug of a scenario. */
	scenario?: string;
	state?: AttemptState | '';
}

/** Returns a page of the own attempts, newest first. `before` is the `next` of the page before. */
export function attempts(filter: AttemptFilter = {}, before = ''): Promise<AttemptPage> {
	const given = Object.entries({ ...filter, before }).filter(([, value]) => value);
	const search = new URLSearchParams(given as [string, string][]);
	return get(search.size > 0 ? `/api/attempts?${search}` : '/api/attempts');
}

/** Returns an address at which an audio element can play the recording for some minutes. */
export async function recording(
	id: string,
	speaker: Speaker,
	signal?: AbortSignal
): Promise<string> {
	const answer = await call('POST', `${audio(id, speaker)}/url`, { signal });
	return ((await answer.json()) as SignedURL).url;
}

/** Reports whether the recording of one speaker is not stored yet, without downloading it. */
export async function recordingPending(
	id: string,
	speaker: Speaker,
	signal?: AbortSignal
): Promise<boolean> {
	try {
		await (await call('GET', audio(id, speaker), { signal })).body?.cancel();
		return false;
	} catch (error) {
		if (error instanceof Problem && error.status === 404)
			return error.is('recording-pending');
		throw error;
	}
}

const audio = (id: string, speaker: Speaker) => `/api/attempts/${part(id)}/audio/${speaker}`;
