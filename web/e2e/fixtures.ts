// A made-up server's content: enough for every screen to be drawn.
import type { components } from '../src/lib/gen/api.ts';

type Schemas = components['schemas'];
type Attempt = Schemas['Attempt'];

export const candidate: Schemas['User'] = {
	id: 'c1',
	email: 'candidate@demo.bedside',
	email_verified: true,
	name: 'Dana Kovač',
	role: 'candidate',
	profession: 'nursing',
	target_grade: 'B',
	test_date: '2026-11-14',
	time_zone: 'Europe/Zagreb',
	locale: 'en-GB',
	avatar: '',
	avatar_url: '',
	created_at: '2026-05-01T08:00:00Z'
};
export const tutor: Schemas['User'] = {
	...candidate,
	id: 't1',
	email: 'tutor@demo.bedside',
	name: 'Tess Okafor',
	role: 'tutor',
	profession: '',
	target_grade: '',
	test_date: ''
};

const summary = (
	slug: string,
	title: string,
	profession: string,
	difficulty: number,
	text: string
): Schemas['ScenarioSummary'] => ({
	id: slug,
	slug,
	title,
	profession,
	difficulty,
	summary: text,
	setting: 'hospital',
	clinical_focus: 'communication',
	criteria: ['relationship'],
	tags: [],
	prepare_seconds: 180,
	play_seconds: 300,
	version: 1,
	has_dialogue: true
});

export const scenarios = [
	summary(
		'insulin',
		'Starting insulin at home',
		'nursing',
		2,
		'A man who has just been told that he needs insulin is afraid of needles and of what his family will say.'
	),
	summary(
		'asthma',
		'An inhaler that does not help',
		'pharmacy',
		1,
		'A young mother says that her son’s new inhaler is useless. She may be using it in a way that cannot work.'
	),
	summary(
		'fall',
		'After the second fall',
		'physiotherapy',
		3,
		'A retired teacher has fallen twice and refuses the walking frame that her daughter brought along.'
	),
	summary(
		'biopsy',
		'Waiting for a biopsy',
		'medicine',
		2,
		'A patient who was promised results today has to be told that they will take another week.'
	)
];

export const candidateCard: Schemas['CandidateCard'] = {
	setting: 'Diabetes clinic',
	role: 'You are the nurse who runs the insulin clinic.',
	background:
		'Mr Bauer is 58 and was diagnosed with type 2 diabetes nine years ago. Tablets no longer keep his sugar down, and last week his doctor told him that he needs insulin. He has come to be shown how to inject.',
	tasks: [
		'Find out how he feels about starting insulin, and what worries him most.',
		'Explain in plain words why insulin is needed now, and that it is not a punishment for anything he did.',
		'Show that you understand his fear of needles; say how today’s pens differ from syringes.',
		'Advise him when and where to inject, and what to do if his sugar falls too low.',
		'Check what he has understood, and agree on when to talk again.'
	]
};

export const interlocutorCard: Schemas['InterlocutorCard'] = {
	name: 'Jens Bauer',
	setting: 'Diabetes clinic',
	background:
		'You are 58 and drive a delivery van. Your mother injected insulin with glass syringes and lost her sight anyway. You have told nobody at work.',
	mood: 'Guarded and a little angry at first; ashamed underneath.',
	lines: ['I took every tablet they ever gave me.', 'My mother was on insulin, you know.'],
	conditional: [
		{
			when: 'asked what worries you most',
			say: 'That I go blind like her. She did everything right.'
		},
		{ when: 'asked about work', say: 'If they hear of it they take the van away from me.' }
	],
	softening: 'Well. If that pen is really as small as you say, I could try it while you watch.'
};

export const scenario = (slug: string, withPatient: boolean): Schemas['Scenario'] => ({
	...(scenarios.find((s) => s.slug === slug) ?? (scenarios[0] as Schemas['ScenarioSummary'])),
	candidate_card: candidateCard,
	...(withPatient && { interlocutor_card: interlocutorCard })
});

export const attempt = (
	id: string,
	state: Attempt['state'],
	more: Partial<Attempt> = {}
): Attempt => ({
	id,
	state,
	part: 'candidate',
	scenario_slug: 'insulin',
	scenario_title: 'Starting insulin at home',
	profession: 'nursing',
	candidate: { id: 'c1', name: 'Dana Kovač' },
	partner: { id: 't1', name: 'Tess Okafor' },
	consent: true,
	patient: 'tutor',
	mode: 'practice',
	created_at: '2026-05-02T09:00:00Z',
	started_at: '2026-05-02T09:04:00Z',
	ended_at: '2026-05-02T09:09:00Z',
	...more
});

export const rooms: Schemas['Room'][] = [
	{
		attempt_id: 'a1',
		state: 'preparing',
		phase: 'preparing',
		remaining_s: 120,
		scenario_slug: 'insulin',
		scenario_title: 'Starting insulin at home',
		profession: 'nursing',
		candidate_name: 'Dana Kovač',
		waiting: true,
		people: [{ name: 'Dana Kovač', role: 'candidate', connected: true }],
		opened_at: new Date(Date.now() - 60_000).toISOString()
	},
	{
		attempt_id: 'a2',
		state: 'playing',
		phase: 'playing',
		remaining_s: 200,
		scenario_slug: 'fall',
		scenario_title: 'After the second fall',
		profession: 'physiotherapy',
		candidate_name: 'Min-jun Park',
		waiting: false,
		people: [
			{ name: 'Min-jun Park', role: 'candidate', connected: true },
			{ name: 'Rosa Lind', role: 'patient', connected: true }
		],
		opened_at: new Date(Date.now() - 300_000).toISOString()
	}
];

/** A conversation of five minutes, made up by rule: stretches of speech with pauses, in turns. */
export function report(id: string): Schemas['Report'] {
	const duration = 300;
	const rng = random(7);
	const voices = { candidate: voice(rng, 195), patient: voice(rng, 118) };
	let t = 0.8;
	let who: 'candidate' | 'patient' = 'candidate';
	const gaps: Schemas['TurnGap'][] = [];
	while (t < duration - 12) {
		const end = Math.min(duration - 2, t + (who === 'candidate' ? 9 : 5) * (0.5 + rng()));
		while (t < end) {
			const stop = Math.min(end, t + 1 + 2.5 * rng());
			voices[who].speak(t, stop);
			t = stop + 0.3 + 0.7 * rng();
		}
		who = who === 'candidate' ? 'patient' : 'candidate';
		gaps.push({ t_s: t, gap_s: 0.5, to: who });
	}
	const speakers = (['candidate', 'patient'] as const).map((speaker) => ({
		speaker,
		analysis: voices[speaker].analysis(duration),
		interruptions: [] as Schemas['Interruption'][],
		too_little_left: false,
		frames: {
			sent: 15_012,
			received: 15_000,
			analysed: 15_000,
			lost: 0,
			recovered: 9,
			concealed: 12,
			duplicated: 0,
			late: 0,
			corrupt: 0,
			dropped: 0
		},
		recording: { duration_s: duration, bytes: 900_000 },
		peaks: voices[speaker].peaks
	}));
	return {
		attempt_id: id,
		created_at: '2026-05-02T09:09:01Z',
		started_at: '2026-05-02T09:04:00Z',
		duration_s: duration,
		play_s: duration,
		speakers,
		turns: {
			gaps,
			overlaps: [{ start_s: 60, end_s: 61 }],
			gap_median_s: 0.52,
			overlap_total_s: 1,
			candidate_talk_ratio: 0.62,
			candidate_turns: 22,
			patient_turns: 21,
			longest_candidate_turn_s: 14.2
		}
	};
}

function voice(rng: () => number, base: number) {
	const peaks = Array.from({ length: 6000 }, () => 0.004 + 0.004 * rng());
	const speech: { start_s: number; end_s: number }[] = [];
	const pitch: { t_s: number; hz: number }[] = [];
	return {
		peaks,
		speak(from: number, to: number) {
			speech.push({ start_s: from, end_s: to });
			for (let i = Math.round(from * 20); i < to * 20; i++)
				peaks[i] = (0.15 + 0.4 * Math.abs(Math.sin(i * 0.9))) * (0.6 + 0.5 * rng());
			for (let i = Math.round(from * 100); i < to * 100; i++) {
				if (i % 30 > 22) continue; // unvoiced
				const along = (i / 100 - from) / (to - from);
				pitch.push({
					t_s: i / 100,
					hz: base * (1.15 - 0.25 * along + 0.12 * Math.sin(i / 14))
				});
			}
		},
		analysis(duration: number): Schemas['Analysis'] {
			const pauses = speech
				.slice(1)
				.map((s, i) => ({ start_s: speech[i]?.end_s ?? 0, end_s: s.start_s }))
				.filter((p) => p.end_s - p.start_s < 3); // longer ones are the other's turns
			const lengths = pauses.map((p) => p.end_s - p.start_s);
			return {
				duration_s: duration,
				speech,
				pauses,
				syllables: [],
				pitch,
				intensity: [],
				measures: {
					speech_duration_s: 296.4,
					phonation_time_s: 151.2,
					phonation_time_ratio: 0.51,
					syllable_count: 612,
					speech_rate_syll_per_s: 2.06,
					articulation_rate_syll_per_s: 4.05,
					mean_length_of_run_syll: 8.4,
					mean_length_of_run_s: 2.1,
					pause_count: pauses.length,
					pause_total_s: lengths.reduce((sum, s) => sum + s, 0),
					pause_mean_s: lengths.reduce((sum, s) => sum + s, 0) / lengths.length,
					pause_max_s: Math.max(...lengths),
					pauses_per_min: pauses.length / (296.4 / 60),
					f0_median_hz: base,
					f0_q10_hz: base * 0.85,
					f0_q90_hz: base * 1.2,
					f0_range_semitones: 6.1,
					f0_sd_semitones: 2.3,
					voiced_ratio: 0.7,
					intensity_mean_db: -23.4,
					intensity_sd_db: 5.2,
					noise_floor_db: -61
				} as Schemas['Measures']
			};
		}
	};
}

/** The same numbers every time. */
function random(seed: number): () => number {
	let state = seed;
	return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
