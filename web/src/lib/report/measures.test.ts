import { expect, it } from 'vitest';
import type { Measures, Report, SpeakerReport } from '$lib/api/types';
import { VOICE_MEASURES } from '$lib/gen/measures';
import { groups, measure } from './measures';

const nothing = Object.fromEntries(
	VOICE_MEASURES.map((m) => [m.key, null])
) as unknown as Measures;

const speaker = (name: 'candidate' | 'patient', measures: Partial<Measures>): SpeakerReport => ({
	speaker: name,
	analysis: {
		duration_s: 10,
		speech: [],
		pauses: [],
		syllables: [],
		pitch: [],
		intensity: [],
		measures: { ...nothing, ...measures }
	},
	interruptions: [],
	too_little_left: false,
	frames: {
		sent: 0,
		received: 0,
		analysed: 0,
		lost: 0,
		recovered: 0,
		concealed: 0,
		duplicated: 0,
		late: 0,
		corrupt: 0,
		dropped: 0
	},
	peaks: []
});

const report = (...speakers: SpeakerReport[]): Report => ({
	attempt_id: 'a',
	created_at: '',
	started_at: '',
	duration_s: 10,
	play_s: 10,
	speakers,
	turns: {
		gaps: [],
		overlaps: [],
		gap_median_s: -0.204,
		overlap_total_s: 1,
		candidate_talk_ratio: 0.617,
		candidate_turns: 3,
		patient_turns: 2,
		longest_candidate_turn_s: 8
	}
});

it('formats values with digits and units', () => {
	const s = speaker('candidate', {
		speech_rate_syll_per_s: 3.4567,
		phonation_time_ratio: 0.614,
		intensity_mean_db: -23.44,
		f0_median_hz: null
	});
	expect(measure(s, 'speech_rate_syll_per_s')).toMatchObject({
		value: '3.46',
		unit: 'syllables/s'
	});
	expect(measure(s, 'phonation_time_ratio')).toMatchObject({ value: '61', unit: '%' });
	expect(measure(s, 'intensity_mean_db')).toMatchObject({ value: '−23.4', unit: 'dBFS' });
	expect(measure(s, 'f0_median_hz')).toMatchObject({ value: '–', unit: '' });
});

it('shows turns only to the candidate, when two people spoke', () => {
	const [candidate, patient] = [speaker('candidate', {}), speaker('patient', {})];
	const titles = (s: SpeakerReport, r: Report) => groups(s, r).map((g) => g.title);
	expect(titles(candidate, report(candidate, patient))).toContain('Taking turns');
	expect(titles(candidate, report(candidate))).not.toContain('Taking turns');
	expect(titles(patient, report(candidate, patient))).not.toContain('Taking turns');
	const turns = groups(candidate, report(candidate, patient)).find(
		(g) => g.title === 'Taking turns'
	);
	expect(turns?.measures.map((m) => m.value)).toEqual(['−0.20', '62', '3', '8.0', '1.0']);
});

it('explains every measure', () => {
	const candidate = speaker('candidate', {});
	for (const group of groups(candidate, report(candidate)))
		for (const m of group.measures) expect(m.means, m.key).toMatch(/\.$/);
});
