import { canRetry } from '$lib/api/problem';
import type { AttemptDetail, AttemptState, Report } from '$lib/api/types';

export type Outcome =
	{ attempt: AttemptDetail; report: Report } | { attempt: AttemptDetail; report: undefined };

export interface Source {
	attempt(id: string, signal: AbortSignal): Promise<AttemptDetail>;
	report(id: string, signal: AbortSignal): Promise<Report>;
}

const UNFINISHED: AttemptState[] = ['playing', 'analysing'];

/**
 * Asks for an attempt until its report is there or there will be none. `first` is the attempt as
 * the caller has it. `seen` is called with the attempt each time.
 */
export async function waitForReport(
	first: AttemptDetail,
	source: Source,
	signal: AbortSignal,
	seen: (attempt: AttemptDetail) => void,
	sleep: (ms: number, signal: AbortSignal) => Promise<void> = pause
): Promise<Outcome> {
	let attempt = first;
	for (let asked = 0; ; asked++) {
		seen(attempt);
		if (attempt.state === 'reported') {
			return { attempt, report: await source.report(attempt.id, signal) };
		}
		if (!UNFINISHED.includes(attempt.state)) return { attempt, report: undefined };
		await sleep(asked < 20 ? 500 : 3_000, signal);
		attempt = await source.attempt(attempt.id, signal);
	}
}

/** Whether a recording of the report follows it. */
export const follows = (report: Report): boolean =>
	report.speakers.some((s) => s.recording?.state === 'pending');

/** Asks for a report until no recording follows it any more, and returns it. */
export async function waitForRecordings(
	id: string,
	source: Pick<Source, 'report'>,
	signal: AbortSignal,
	sleep: (ms: number, signal: AbortSignal) => Promise<void> = pause
): Promise<Report> {
	for (let asked = 0; ; asked++) {
		await sleep(asked < 12 ? 5_000 : 60_000, signal);
		try {
			const report = await source.report(id, signal);
			if (!follows(report)) return report;
		} catch (error) {
			// The server may be away for a while; a report that was deleted does not come back.
			if (!canRetry(error)) throw error;
		}
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
