// Made-up pictures and sounds: enough for every screen about them to be drawn.
import type { components } from '../src/lib/gen/api.ts';

type Schemas = components['schemas'];

/** A picture of a kitchen table, small. */
const PICTURE = Buffer.from(
	'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 90"><rect width="160" height="90" fill="#cfe3dc"/><rect y="60" width="160" height="30" fill="#8a6f52"/><rect x="60" y="48" width="50" height="8" rx="4" fill="#fff"/></svg>'
);

const medium = (id: string, more: Partial<Schemas['MediaItem']> = {}): Schemas['MediaItem'] => ({
	id,
	kind: 'scenario',
	type: 'image/jpeg',
	bytes: 48_200,
	width: 1600,
	height: 900,
	duration_s: 0,
	loudness_lufs: 0,
	alt: 'A pre-filled insulin pen on a kitchen table',
	url: `/api/media/${id}?expires=1&signature=x`,
	public: false,
	sizes: [],
	created_at: '2026-11-20T09:30:00Z',
	built_in: false,
	mine: false,
	uses: [],
	...more
});

export const library: Schemas['MediaItem'][] = [
	medium('m1', {
		mine: true,
		created_at: new Date(Date.now() - 3_600_000).toISOString(),
		deleted_at: new Date(Date.now() + 23 * 3_600_000).toISOString()
	}),
	medium('m2', {
		kind: 'line',
		type: 'audio/ogg',
		width: 0,
		height: 0,
		duration_s: 4.2,
		loudness_lufs: -23,
		alt: 'I have hardly slept since the doctor said insulin.',
		uses: [
			{ scenario_id: 's1', slug: 'insulin', title: 'Starting insulin at home', version: 3 }
		]
	}),
	medium('m3', {
		built_in: true,
		public: true,
		url: '/api/media/m3',
		alt: 'An inhaler beside an open window',
		uses: [
			{
				scenario_id: 's2',
				slug: 'asthma',
				title: 'An inhaler that does not help',
				version: 1
			}
		]
	})
];

interface Answer {
	status: number;
	body?: object;
	file?: { type: string; bytes: Buffer };
}

/** Returns the answer to a request about media, if it is one. `sound` is what lines are. */
export function answer(
	method: string,
	path: string,
	query: URLSearchParams,
	sound: Buffer
): Answer | undefined {
	if (path === '/api/protected/media/upload') {
		const made = medium('m9', { alt: 'A kitchen', mine: true });
		return { status: 201, body: made };
	}
	if (path === '/api/media') {
		const kind = query.get('kind');
		const items = library.filter((item) => !kind || item.kind === kind);
		return { status: 200, body: { items } };
	}
	const [, , kind, id] = path.split('/');
	if (kind !== 'media') return undefined;
	if (method === 'DELETE') return { status: 204 };
	const line = library.find((item) => item.id === id)?.kind === 'line';
	return {
		status: 200,
		file: line
			? { type: 'audio/wav', bytes: sound }
			: { type: 'image/svg+xml', bytes: PICTURE }
	};
}
