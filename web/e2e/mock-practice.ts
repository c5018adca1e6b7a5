// The answers about scenarios and progress of the mock server.
import type { components } from '../src/lib/gen/api.ts';
import * as fixtures from './fixtures.ts';

type Schemas = components['schemas'];
type FacetName = keyof Schemas['ScenarioFacets'];
type CataloguePage = Schemas['ScenarioList'];
type Overview = Schemas['Overview'];
type ScenarioCard = Schemas['ScenarioSummary'];
type ScenarioDetail = Schemas['ScenarioDetail'];
type ScenarioProgress = Schemas['ScenarioProgress'];

interface Answer {
	status: number;
	body: object;
}

const FACETS: FacetName[] = [
	'profession',
	'setting',
	'difficulty',
	'clinical_focus',
	'criterion',
	'tag'
];

const more: Record<string, Partial<ScenarioCard>> = {
	insulin: {
		setting: 'clinic',
		clinical_focus: 'diabetes',
		criteria: ['relationship', 'perspective', 'giving'],
		tags: ['fear-of-needles']
	},
	asthma: { setting: 'pharmacy', clinical_focus: 'asthma', criteria: ['gathering', 'giving'] },
	fall: { setting: 'home-visit', clinical_focus: 'falls', criteria: ['perspective'] },
	biopsy: { setting: 'hospital', clinical_focus: 'cancer', criteria: ['relationship'] }
};

const PICTURE =
	'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 270"><rect width="480" height="270" ' +
	'fill="#cfe3df"/><rect x="120" y="120" width="240" height="26" rx="13" fill="#0e6b63"/>' +
	'<rect x="330" y="124" width="60" height="18" rx="9" fill="#a1522a"/></svg>';

/** The picture of every scenario. */
export const picture = Buffer.from(PICTURE);

function card(slug: string, signedIn: boolean): ScenarioCard {
	const summary = fixtures.scenarios.find((s) => s.slug === slug) ?? fixtures.scenarios[0];
	return {
		...(summary as ScenarioCard),
		setting: 'clinic',
		clinical_focus: 'diabetes',
		criteria: ['relationship'],
		tags: [],
		...more[slug],
		...(slug === 'insulin' && {
			picture: { id: 'p1', alt: 'An insulin pen', url: '/api/scenarios/insulin/picture?v=1' }
		}),
		...(signedIn && { tried: slug === 'insulin' ? 2 : 0, bookmarked: slug === 'fall' })
	};
}

function valuesOf(scenario: ScenarioCard, facet: FacetName): string[] {
	switch (facet) {
		case 'difficulty':
			return [String(scenario.difficulty)];
		case 'criterion':
			return scenario.criteria ?? [];
		case 'tag':
			return scenario.tags ?? [];
		default:
			return [scenario[facet] ?? ''];
	}
}

function page(query: URLSearchParams, signedIn: boolean): CataloguePage {
	const matches = (scenario: ScenarioCard, except?: FacetName) =>
		FACETS.every((facet) => {
			const wanted = query.getAll(facet);
			return (
				facet === except ||
				wanted.length === 0 ||
				wanted.some((value) => valuesOf(scenario, facet).includes(value))
			);
		}) &&
		`${scenario.title} ${scenario.summary}`
			.toLowerCase()
			.includes((query.get('q') ?? '').toLowerCase()) &&
		(!query.has('tried') || query.get('tried') === String((scenario.tried ?? 0) > 0)) &&
		(!query.has('bookmarked') || scenario.bookmarked === true);
	const all = fixtures.scenarios.map((s) => card(s.slug, signedIn));
	const facets = Object.fromEntries(
		FACETS.map((facet) => {
			const counts = new Map<string, number>();
			for (const scenario of all.filter((s) => matches(s, facet)))
				for (const value of valuesOf(scenario, facet))
					counts.set(value, (counts.get(value) ?? 0) + 1);
			return [facet, [...counts].map(([value, count]) => ({ value, count }))];
		})
	) as CataloguePage['facets'];
	const items = all.filter((scenario) => matches(scenario));
	return { items, total: items.length, facets };
}

const nameOf = (slug: string) => {
	const { id, title, profession, difficulty } = card(slug, false);
	return { id, slug, title, profession, difficulty };
};

export const progress = (slug: string): ScenarioProgress => ({
	scenario: nameOf(slug),
	attempts: slug === 'insulin' ? 2 : 0,
	reported: slug === 'insulin' ? 1 : 0,
	practice_seconds: slug === 'insulin' ? 570 : 0,
	bookmarked: false,
	best: null as unknown as Schemas['Result'],
	latest: null as unknown as Schemas['Result'],
	card_read: true,
	notes: slug === 'insulin' ? 'Ask about his mother first.' : ''
});

/** The progress of somebody who has practised for some weeks. */
export const overview: Overview = {
	attempts: 9,
	reported: 8,
	practice_seconds: 2580,
	streak_days: 3,
	best_streak_days: 5,
	test_date: '2026-12-07',
	days_to_test: 12,
	next: {
		scenario: nameOf('insulin'),
		reason: 'again',
		words: 'You last played it three weeks ago, and your test is in 12 days.'
	},
	alternatives: [
		{ scenario: nameOf('biopsy'), reason: 'new', words: 'You have not tried it yet.' },
		{ scenario: nameOf('fall'), reason: 'harder', words: 'It is one step harder.' }
	],
	scenarios: ['insulin', 'biopsy'].map((slug) => progress(slug)),
	criteria: [],
	weeks: Array.from({ length: 12 }, (_, i) => ({
		week: new Date(Date.UTC(2026, 8, 7 + 7 * i)).toISOString().slice(0, 10),
		attempts: [0, 0, 1, 0, 2, 1, 0, 0, 1, 0, 2, 2][i] ?? 0,
		practice_seconds: 290 * ([0, 0, 1, 0, 2, 1, 0, 0, 1, 0, 2, 2][i] ?? 0)
	}))
};

/** The progress of somebody who has just registered. */
export const nothingYet: Overview = {
	...overview,
	attempts: 0,
	reported: 0,
	practice_seconds: 0,
	streak_days: 0,
	best_streak_days: 0,
	test_date: '',
	days_to_test: null,
	next: {
		scenario: nameOf('insulin'),
		reason: 'first',
		words: 'A gentle role play of your profession to begin with.'
	},
	scenarios: [],
	weeks: overview.weeks.map(({ week }) => ({ week, attempts: 0, practice_seconds: 0 }))
};

/** The model performance, which a candidate sees after a first report. */
export const model: Pick<ScenarioDetail, 'model' | 'strong'> = {
	strong: [
		'Asks what frightens him before explaining anything.',
		'Checks what he will do at home by letting him say it.'
	],
	model: [
		{
			who: 'candidate',
			say: 'Good morning, Mr Bauer. How have you been since Thursday?',
			shows: ['A1']
		},
		{ who: 'patient', say: 'Not well. I took every tablet they ever gave me.' },
		{
			who: 'candidate',
			say: 'That sounds hard. What worries you most about the insulin?',
			shows: ['A4', 'B1']
		}
	]
};

/** Answers a request about scenarios or progress; undefined when it is about something else. */
export function answer(
	method: string,
	{ pathname, searchParams }: URL,
	role: string | undefined,
	sent: unknown
): Answer | undefined {
	const path = pathname.split('/');
	if (pathname === '/api/progress') return { status: 200, body: overview };
	if (pathname.startsWith('/api/protected/progress/')) {
		const before = progress(path[4] ?? '');
		const changed = method === 'POST' ? (sent as object) : {};
		return { status: 200, body: { ...before, ...changed } };
	}
	if (path[2] !== 'scenarios') return undefined;
	const signedIn = role !== undefined;
	if (!path[3]) return { status: 200, body: page(searchParams, signedIn) };
	return {
		status: 200,
		body: {
			...fixtures.scenario(path[3], role === 'tutor'),
			...card(path[3], signedIn)
		}
	};
}
