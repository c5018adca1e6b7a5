// Invented mock exams, for each of their states.
import type { components } from '../src/lib/gen/api.ts';
import * as fixtures from './fixtures.ts';

type Schemas = components['schemas'];
type Exam = Schemas['Exam'];

const report = fixtures.report('a1');

type State = Schemas['ExamAttempt']['state'];

const attempt = (position: number, state: State): Schemas['ExamAttempt'] => ({
	id: `a${position}`,
	state,
	position,
	...(state !== 'created' && {
		scenario_slug: 'insulin',
		scenario_title: position === 1 ? 'Starting insulin at home' : 'A fall in the night'
	}),
	partner_name: 'Tess Okafor',
	started_at: '2026-05-02T09:04:00Z',
	ended_at: '2026-05-02T09:09:00Z'
});

function part(position: number): Schemas['ExamPart'] {
	const [candidate] = report.speakers;
	if (!candidate) throw new Error('a report without speakers');
	return {
		position,
		attempt_id: `a${position}`,
		play_s: 300 - position,
		duration_s: 300,
		too_little_left: false,
		measures: candidate.analysis.measures,
		turns: report.turns,
		interruptions:
			position === 1
				? [{ speaker: 'candidate', from_s: 70, to_s: 74, cause: 'connection_lost' }]
				: []
	};
}

/** Returns an exam in a state, whose role plays are in these states. */
export function exam(
	state: Exam['state'],
	states: State[] = [],
	more: Partial<Exam> = {}
): Exam {
	const parts = states.flatMap((s, i) => (s === 'reported' ? [part(i + 1)] : []));
	const pooled = part(1).measures;
	return {
		id: 'e1',
		state,
		profession: 'nursing',
		candidate_id: 'c1',
		consent: true,
		created_at: '2026-05-02T09:00:00Z',
		changed_at: new Date().toISOString(),
		role_plays: [1, 2].map((position) => ({
			position,
			prepare_seconds: 180,
			play_seconds: 300,
			replaced: false,
			...(states[position - 1] && {
				attempt: attempt(position, states[position - 1] ?? 'created')
			})
		})),
		...(state === 'reported' && {
			result: {
				parts,
				play_s: 597,
				break_s: 42,
				pooled: { ...pooled, f0_median_hz: null } as Schemas['Measures'],
				pooled_turns: { ...report.turns, gap_median_s: null } as Schemas['TurnTotals']
			}
		}),
		...more
	};
}
