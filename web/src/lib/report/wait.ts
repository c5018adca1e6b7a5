import type { AttemptDetail, AttemptState, Report } from '$lib/api/types';

export type Outcome =
	{ attempt: AttemptDetail; report: Report } | { attempt: AttemptDetail; report: undefined };

export interface Source {
	attempt(id: string, signal: AbortSignal): Promise<AttemptDetail>;
	report(id: string, signal: AbortSignal): Promise<Report>;
}

const UNDER_WAY: AttemptState[] = ['playing', 'analysing'];

/** Looks until the report is there or there will be none. `looked` is told what was found each time. */
export async function waitForReport(
	id: string,
	source: Source,
	signal: AbortSignal,
	looked: (attempt: AttemptDetail) => void,
	sleep: (ms: number, signal: AbortSignal) => Promise<void> = pause
): Promise<Outcome> {
	for (let looks = 0; ; looks++) {
		const attempt = await source.attempt(id, signal);
		looked(attempt);
		if (attempt.state === 'reported')
			return { attempt, report: await source.report(id, signal) };
		if (!UNDER_WAY.includes(attempt.state)) return { attempt, report: undefined };
		await sleep(looks < 20 ? 500 : 3_000, signal);
	}
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
	signal.throwIfAborted();
	return new Promise((resolve, reject) => {
		const timer = setTimeout(resolve, ms);
		signal.addEventListener(
			'abort',
			() => {
				clearTimeout(timer);
				reject(new DOMException('stopped', 'AbortError'));
			},
			{ once: true }
		);
	});
}
