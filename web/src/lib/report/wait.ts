import { canRetry } from '$lib/api/problem';
import type { AttemptDetail, AttemptState, Report, Retention, Speaker } from '$lib/api/types';

export type Outcome =
	{ attempt: AttemptDetail; report: Report } | { attempt: AttemptDetail; report: undefined };

export interface Source {
	attempt(id: string, signal: AbortSignal): Promise<AttemptDetail>;
	report(id: string, signal: AbortSignal): Promise<Report>;
	/** Reports whether the recording of a speaker is not stored yet, without downloading it. */
	recordingPending(id: string, speaker: Speaker, signal: AbortSignal): Promise<boolean>;
	/** Returns an address at which the recording of a speaker can be played for some minutes. */
	recording(id: string, speaker: Speaker, signal: AbortSignal): Promise<string>;
	/** Asks how long recordings are kept; absent when there is nothing to say about that. */
	retention?(): Promise<Retention>;
}

const UNFINISHED: AttemptState[] = ['playing', 'analysing'];

/**
 * Asks for an attempt until its report is there or there will be none. `first` is the attempt as
 * the caller has it. `seen` is called with the attempt each time.
 */
export async function waitForReport(
	first: AttemptDetail,
	source: Pick<Source, 'attempt' | 'report'>,
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

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;

const pending = (report: Report): Speaker[] =>
	report.speakers.filter((s) => s.recording?.state === 'pending').map((s) => s.speaker);

/** Reports whether a recording of the report is not stored yet. */
export const lacksRecordings = (report: Report): boolean => pending(report).length > 0;

/**
 * Asks for the recordings that are not stored yet, with growing pauses, until each is stored or
 * will never be. Returns the report as it is then, which is loaded only once: it is large.
 */
export async function waitForRecordings(
	report: Report,
	source: Pick<Source, 'report' | 'recordingPending'>,
	signal: AbortSignal,
	sleep: (ms: number, signal: AbortSignal) => Promise<void> = pause
): Promise<Report> {
	const id = report.attempt_id;
	for (let ms = FIRST_PAUSE_MS; ; ms = Math.min(LONGEST_PAUSE_MS, ms * 1.5)) {
		await sleep(ms, signal);
		try {
			if (await anyPending(report, source, signal)) continue;
			report = await source.report(id, signal);
			if (!lacksRecordings(report)) return report;
		} catch (error) {
			// The server may be away for a while; a report that was deleted does not come back.
			if (!canRetry(error)) throw error;
		}
	}
}

async function anyPending(
	report: Report,
	source: Pick<Source, 'recordingPending'>,
	signal: AbortSignal
): Promise<boolean> {
	for (const speaker of pending(report)) {
		if (await source.recordingPending(report.attempt_id, speaker, signal)) return true;
	}
	return false;
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
