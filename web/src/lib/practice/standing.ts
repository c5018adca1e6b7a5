import type { Attempt } from '$lib/api/types';

/** What has become of an attempt, in words, and where it leads. */
export interface Standing {
	words: string;
	tone: 'plain' | 'accent' | 'warn' | 'bad' | 'good';
	href?: string;
}

export function standing(attempt: Attempt): Standing {
	const report = `/attempts/${attempt.id}`;
	/** Only its page leads on in a mock exam. A partner comes through the green room. */
	const exam =
		attempt.exam_id && attempt.part === 'candidate' ? `/exams/${attempt.exam_id}` : undefined;
	switch (attempt.state) {
		case 'created':
		case 'preparing':
		case 'playing':
			return {
				words: 'Room open',
				tone: 'warn',
				href: exam ?? `/green-room?room=${attempt.id}&as=${attempt.part}`
			};
		case 'analysing':
			return { words: 'Being analysed', tone: 'plain', href: report };
		case 'reported':
			return { words: 'Report', tone: 'accent', href: report };
		case 'failed':
			return { words: 'No report', tone: 'bad', href: report };
		case 'abandoned':
			return { words: 'Not played', tone: 'plain', ...(exam && { href: exam }) };
	}
}

/** Reports whether the reader may delete an attempt: their own, once its room has closed. */
export function deletable({ part, state }: Pick<Attempt, 'part' | 'state'>): boolean {
	return part === 'candidate' && ['reported', 'failed', 'abandoned'].includes(state);
}

/** Returns how long an attempt was played, in seconds; 0 when it was not, or is still. */
export function playedFor({ started_at, ended_at }: Attempt): number {
	if (!started_at || !ended_at) return 0;
	return Math.max(0, (Date.parse(ended_at) - Date.parse(started_at)) / 1000);
}
