import type { components } from '../src/lib/gen/api.ts';

type User = components['schemas']['User'];

/** The library of scenarios, with one scenario that has versions, and what was asked of it. */
export interface Library {
	documents: Record<string, unknown>[];
	state: 'draft' | 'published' | 'archived';
	published: number;
	imported: string[];
}

const NOW = '2026-05-02T09:09:01Z';
export const ID = '0190d2a0-0000-7000-8000-00000000aaaa';

export const insulin = {
	schema: 'scenario/1',
	slug: 'insulin',
	title: 'Starting insulin at home',
	profession: 'nursing',
	summary:
		'A retired bus driver with type 2 diabetes has been told that tablets are no longer enough.',
	difficulty: 2,
	setting: 'hospital',
	clinical_focus: 'diabetes',
	criteria: ['relationship', 'giving'],
	indicators: ['A4', 'E4'],
	tags: ['discharge'],
	prepare_seconds: 180,
	play_seconds: 300,
	candidate_card: {
		setting: 'Medical ward, morning of discharge',
		role: 'You are the nurse.',
		background: 'Mr Hale is 63 and has had type 2 diabetes for nine years.',
		tasks: ['Find out how he feels.', { id: 't2', text: 'Explain the pen.' }, 'Check.']
	},
	interlocutor_card: {
		name: 'Dennis Hale, 63',
		setting: 'Medical ward, morning of discharge',
		background: 'You drove buses for thirty-one years.',
		mood: 'Gruff at first.',
		lines: ['I don’t see the point of all this.'],
		conditional: [{ when: 'asked openly', say: 'It’s the needles.' }],
		softening: 'I could have a go.'
	}
};

export const library = (): Library => ({
	documents: [insulin, { ...insulin, title: 'Starting insulin' }, insulin],
	state: 'published',
	published: 3,
	imported: []
});

interface Answer {
	status: number;
	body?: object;
	/** Instead of a body. */
	text?: string;
}

/** A part of the schema that the server publishes, with one of each kind of value. */
const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength });
const list = (items: object, minItems = 0, maxItems = 12, more: object = {}) => ({
	type: 'array',
	items,
	minItems,
	maxItems,
	...more
});
const object = (properties: object, required = Object.keys(properties)) => ({
	type: 'object',
	properties,
	required,
	additionalProperties: false
});
const words = { uniqueItems: true };
const schema = object(
	{
		schema: { type: 'string', enum: ['scenario/1'] },
		slug: { ...text(80), description: 'The name in addresses.' },
		title: { ...text(120), description: 'What lists show.' },
		profession: { type: 'string', enum: ['medicine', 'nursing', 'pharmacy'] },
		summary: text(400),
		difficulty: { type: 'integer', minimum: 1, maximum: 3 },
		setting: { type: 'string', enum: ['hospital', 'clinic'] },
		clinical_focus: text(40),
		criteria: list({ type: 'string', enum: ['relationship', 'giving'] }, 1, 4, words),
		indicators: list({ type: 'string', enum: ['A4', 'B2', 'E4'] }, 1, 8, words),
		tags: list(text(40), 0, 8, words),
		picture: object({ media: text(40), alt: text(200) }, ['alt']),
		prepare_seconds: { type: 'integer', minimum: 0, maximum: 900 },
		play_seconds: { type: 'integer', minimum: 10, maximum: 1800 },
		candidate_card: object({
			setting: text(200),
			role: text(200),
			background: text(2000),
			tasks: list(
				{ anyOf: [text(600), object({ id: text(40), text: text(600) }, ['text'])] },
				3,
				6
			)
		}),
		interlocutor_card: object({
			name: text(120),
			setting: text(200),
			background: text(4000),
			mood: text(400),
			lines: list(text(600), 1, 12),
			conditional: list(object({ when: text(300), say: text(600) }), 0, 24),
			softening: text(600)
		}),
		strong: list(text(600), 0, 8),
		model: list(
			object({ who: { type: 'string', enum: ['candidate', 'patient'] }, say: text(1200) }),
			0,
			60
		),
		dialogue: { type: 'object' }
	},
	['schema', 'slug', 'title', 'profession', 'summary']
);

/** Answers as the server does; undefined when the path is of something else. */
export function answer(
	it: Library,
	user: User | null,
	method: string,
	path: string,
	{ search, body, ifMatch }: { search: string; body: string; ifMatch: string }
): Answer | undefined {
	if (method === 'POST' && /^\/api\/media\/.*\/url$/.test(path))
		return { status: 200, body: { url: `/favicon.svg?m`, expires_at: '' } };
	if (user?.role === 'candidate' || !path.startsWith('/api/scenarios')) return undefined;
	const [, , , id = '', what = '', which = ''] = path.split('/');
	const latest = it.documents.length;
	const entry = {
		state: it.state,
		latest_version: latest,
		...(it.published && { published_version: it.published }),
		built_in: true,
		edited: latest > 1,
		created_at: NOW,
		updated_at: NOW
	};
	const detail = (version: number) => {
		const document = it.documents[version - 1];
		return { ...document, id: ID, version, library: entry, document };
	};
	if (!id && method === 'GET') {
		const state = new URLSearchParams(search).get('state') ?? 'published';
		const items = state === it.state ? [detail(latest)] : [];
		return { status: 200, body: { items, total: items.length, facets: {} } };
	}
	if (!id) {
		it.documents = [JSON.parse(body) as Record<string, unknown>];
		it.state = 'draft';
		it.published = 0;
		return { status: 201, body: detail(1) };
	}
	if (id === 'schema') return { status: 200, body: schema };
	if (id === 'import') {
		it.imported.push(body);
		return { status: 200, body: { items: [{ id: ID, slug: 'a' }, { id: ID, slug: 'b' }] } };
	}
	if (id === 'lint') return { status: 200, body: { items: findings(body) } };
	if (what === 'versions' && !which)
		return {
			status: 200,
			body: {
				items: it.documents
					.map((document, n) => ({
						version: n + 1,
						title: document.title,
						note: n === 1 ? 'A shorter title' : '',
						...(n > 0 && { author: { id: 'u', name: 'Theo Marsh' } }),
						created_at: NOW
					}))
					.reverse()
			}
		};
	if (what === 'versions') return { status: 200, body: detail(Number(which)) };
	if (what === 'export') return { status: 200, text: 'slug: insulin\n' };
	if (method === 'GET') return { status: 200, body: detail(latest) };
	if (what === 'duplicate') return { status: 201, body: detail(latest) };
	if (what === 'archive') it.state = 'archived';
	if (what === 'publish') {
		it.state = 'published';
		it.published = latest;
		return { status: 200, body: answerOf(detail(latest), it) };
	}
	if (method === 'PUT') {
		if (ifMatch !== `"v${latest}"`)
			return { status: 412, body: { status: 412, detail: 'Somebody has saved another.' } };
		it.documents.push(JSON.parse(body) as Record<string, unknown>);
		const saved = detail(latest + 1);
		return {
			status: 200,
			body: { ...saved, library: { ...entry, latest_version: latest + 1 } }
		};
	}
	return { status: 200, body: answerOf(detail(latest), it) };
}

const answerOf = (detail: { library: object }, it: Library) => ({
	...detail,
	library: { ...detail.library, state: it.state, published_version: it.published }
});

/** Finds what the tests do wrong: a difficulty that is not one, and a secret that is told. */
function findings(yaml: string): object[] {
	return yaml.split('\n').flatMap((line, n) => {
		const found = (rule: string, severity: string, path: string, message: string) => [
			{ line: n + 1, column: 1, path, severity, rule, message }
		];
		if (/^difficulty: [^123]/.test(line))
			return found('range', 'error', 'difficulty', 'difficulty must be between 1 and 3');
		if (/^titel:/.test(line))
			return found('unknown-key', 'error', 'titel', 'titel is not a key; title?');
		if (/colour/.test(line)) return [];
		if (/color/.test(line))
			return found('spelling', 'warning', 'summary', '“color”: write colour');
		return [];
	});
}
