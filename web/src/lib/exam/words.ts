import type { Exam } from '$lib/api/types';

/** The longest break between the role plays, in seconds, as in the test. */
export const BREAK_S = 60;

/** The length of the warm-up, in seconds. */
export const WARM_UP_S = 120;

/** The warm-up's questions about one's work. */
export const QUESTIONS = [
	'Tell me a little about where you work, and what you do there.',
	'Why did you choose your profession?',
	'What does an ordinary working day look like for you?',
	'Which part of your work do you like best?',
	'What do patients, or their families, find hardest to understand?',
	'What would you like to do next in your career?'
];

const LIVE: Exam['state'][] = ['warm_up', 'first', 'between', 'second'];

/** Reports whether the candidate is still needed. */
export const isLive = (exam: Pick<Exam, 'state'>): boolean => LIVE.includes(exam.state);

/** Says where an exam is: "at the second role play". */
export function whereWords({ state }: Pick<Exam, 'state'>): string {
	switch (state) {
		case 'warm_up':
			return 'in the warm-up';
		case 'first':
			return 'at the first role play';
		case 'between':
			return 'between the two role plays';
		case 'second':
			return 'at the second role play';
		case 'analysing':
			return 'being analysed';
		case 'reported':
			return 'finished';
		case 'failed':
			return 'without a report';
		case 'abandoned':
			return 'ended before anything was played';
	}
}

/** Says which role play it is: "first". */
export const ordinal = (position: number): string => (position === 1 ? 'first' : 'second');

/**
 * Returns how much of the break is left, in seconds, at a time. A break that was over before the
 * page was opened has 0 left.
 */
export function breakLeft(exam: Pick<Exam, 'changed_at'>, now: number): number {
	const gone = (now - Date.parse(exam.changed_at)) / 1000;
	return Math.min(BREAK_S, Math.max(0, BREAK_S - gone));
}

/** Returns how long an exam takes at most, in minutes, with warm-up and break. */
export function totalMinutes(exam: Pick<Exam, 'role_plays'> | undefined): number {
	const plays = exam?.role_plays ?? [
		{ prepare_seconds: 180, play_seconds: 300 },
		{ prepare_seconds: 180, play_seconds: 300 }
	];
	const seconds = plays.reduce((sum, p) => sum + p.prepare_seconds + p.play_seconds, 0);
	return Math.ceil((seconds + WARM_UP_S + BREAK_S) / 60);
}
