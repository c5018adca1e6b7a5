import type { components } from '../src/lib/gen/api.ts';

type Practice = components['schemas']['Practice'];
type Steps = components['schemas']['Steps'];

function steps(created: number): Steps {
	const part = (share: number) => Math.round(created * share);
	return {
		created,
		prepared: part(0.9),
		started: part(0.8),
		ended: part(0.78),
		reported: part(0.75),
		in_progress: part(0.01),
		drop_outs: {
			joining: part(0.1),
			preparation: part(0.1),
			play: part(0.02),
			analysis: part(0.03)
		},
		practice_seconds: part(0.78) * 300
	};
}

const scenario = (slug: string, title: string, profession: string, difficulty: number) => ({
	id: `0190d2a0-0000-7000-8000-00000000000${difficulty}`,
	slug,
	title,
	profession,
	difficulty
});

/** What an analytics page shows: thirteen weeks of practice. */
export const practice: Practice = {
	from: '2026-08-01',
	to: '2026-10-30',
	total: steps(240),
	scenarios: [
		{
			scenario: scenario('nursing-insulin', 'Starting insulin at home', 'nursing', 1),
			...steps(120)
		},
		{
			scenario: scenario('medicine-headache-scan', 'A scan for a headache', 'medicine', 3),
			...steps(90)
		},
		{
			scenario: scenario('pharmacy-blood-thinner', 'A new blood thinner', 'pharmacy', 2),
			...steps(30)
		}
	],
	criteria: [
		{ criterion: 'perspective', scenarios: 2, ...steps(210) },
		{ criterion: 'giving', scenarios: 3, ...steps(240) }
	],
	weeks: Array.from({ length: 13 }, (_, i) => ({
		week: new Date(Date.UTC(2026, 7, 3 + 7 * i)).toISOString().slice(0, 10),
		...steps(6 + ((i * 7) % 24))
	}))
};

/** The same without attempts. */
export const nothing: Practice = {
	...practice,
	total: steps(0),
	scenarios: [],
	criteria: [],
	weeks: []
};
