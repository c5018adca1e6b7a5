import { expect, it } from 'vitest';
import type { AttemptDetail, AttemptState, Report } from '$lib/api/types';
import { waitForRecordings, waitForReport } from './wait';

function source(...states: AttemptState[]) {
	return {
		attempt: async () =>
			({ state: states.length > 1 ? states.shift() : states[0] }) as AttemptDetail,
		report: async () => ({ attempt_id: 'a' }) as Report
	};
}
const signal = new AbortController().signal;

/** Waits for the report of an attempt that is in these states, one after the other. */
async function wait(
	states: AttemptState[],
	seen: (attempt: AttemptDetail) => void = () => undefined,
	sleep?: (ms: number) => Promise<void>,
	until = signal
) {
	const from = source(...states);
	return waitForReport(await from.attempt(), from, until, seen, sleep);
}

it('asks until the report is there', async () => {
	const waits: number[] = [];
	const seen: string[] = [];
	const outcome = await wait(
		['playing', 'analysing', 'analysing', 'reported'],
		(a) => seen.push(a.state),
		async (ms) => void waits.push(ms)
	);
	expect(outcome.report).toEqual({ attempt_id: 'a' });
	expect(seen).toEqual(['playing', 'analysing', 'analysing', 'reported']);
	expect(waits).toEqual([500, 500, 500]);
});

it.each(['failed', 'abandoned', 'preparing'] as const)(
	'does not wait for an attempt that is %s',
	async (state) => {
		const outcome = await wait([state]);
		expect([outcome.report, outcome.attempt.state]).toEqual([undefined, state]);
	}
);

it('asks less often after a while', async () => {
	const waits: number[] = [];
	const states = Array.from({ length: 30 }, () => 'analysing' as AttemptState);
	await wait(
		[...states, 'reported'],
		() => undefined,
		async (ms) => void waits.push(ms)
	);
	expect([waits[0], waits.at(-1)]).toEqual([500, 3_000]);
});

it('stops when the page is left', async () => {
	const stop = new AbortController();
	const waiting = wait(['analysing'], () => stop.abort(), undefined, stop.signal);
	await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});

it('asks until the recordings have followed their report', async () => {
	const states = ['pending', 'pending', 'kept'] as const;
	const waits: number[] = [];
	let asked = 0;
	const report = await waitForRecordings(
		'a',
		{
			report: async () =>
				({ speakers: [{ recording: { state: states[asked++] } }] }) as unknown as Report
		},
		signal,
		async (ms) => void waits.push(ms)
	);
	expect(report.speakers[0]?.recording?.state).toBe('kept');
	expect(waits).toEqual([5_000, 5_000, 5_000]);
});
