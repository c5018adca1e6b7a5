import type { ExamResult } from '$lib/api/types';
import { describe, expect, it } from 'vitest';
import { compare } from './measures';

const part = (rate: number | null, too_little_left = false) => ({
	measures: {
		articulation_rate_syll_per_s: rate,
		phonation_time_ratio: 0.514,
		f0_median_hz: 200
	},
	turns: { candidate_turns: 12 },
	too_little_left
});

const row = (result: unknown, key: string) =>
	compare(result as ExamResult)
		.flatMap((g) => g.rows)
		.find((r) => r.key === key);

describe('measures side by side', () => {
	const result = {
		parts: [part(4.056), part(null)],
		pooled: {
			articulation_rate_syll_per_s: 3.9,
			phonation_time_ratio: 0.5,
			f0_median_hz: null
		},
		pooled_turns: { candidate_turns: 24 }
	};

	it('has a figure for each role play and one for both', () => {
		expect(row(result, 'articulation_rate_syll_per_s')).toMatchObject({
			values: ['4.06', '–'],
			both: '3.90'
		});
		expect(row(result, 'phonation_time_ratio')).toMatchObject({
			values: ['51', '51'],
			both: '50'
		});
		expect(row(result, 'candidate_turns')).toMatchObject({ values: ['12', '12'], both: '24' });
	});

	it('has no figure for both where that would say nothing', () => {
		expect(row(result, 'f0_median_hz')).toMatchObject({ values: ['200', '200'], both: '–' });
	});

	it('has no figures of a role play of which too little is left', () => {
		expect(
			row({ ...result, parts: [part(4, true)] }, 'articulation_rate_syll_per_s')
		).toMatchObject({ values: ['–'] });
	});
});
