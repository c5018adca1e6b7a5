import { expect, it } from 'vitest';
import type { AttemptDetail, AttemptState, Report } from '$lib/api/types';
import { waitForReport } from './wait';

function source(...states: AttemptState[]) {
	return {
		attempt: async () =>
			({ state: states.length > 1 ? states.shift() : states[0] }) as AttemptDetail,
		report: async () => ({ attempt_id: 'a' }) as Report
	};
}
const signal = new AbortController().signal;

it('looks until the report is there', async () => {
	const waits: number[] = [];
	const seen: string[] = [];
	const outcome = await waitForReport(
		'a',
		source('playing', 'analysing', 'analysing', 'reported'),
		signal,
		(a) => seen.push(a.state),
		async (ms) => void waits.push(ms)
	);
	expect(outcome.report).toEqual({ attempt_id: 'a' });
	expect(seen).toEqual(['playing', 'analysing', 'analysing', 'reported']);
	expect(waits).toEqual([500, 500, 500]);
});

it.each(['failed', 'abandoned', 'preparing'] as const)(
	'does not wait for one that is %s',
	async (state) => {
		const outcome = await waitForReport('a', source(state), signal, () => undefined);
		expect([outcome.report, outcome.attempt.state]).toEqual([undefined, state]);
	}
);

it('looks less often after a while', async () => {
	const waits: number[] = [];
	const states = Array.from({ length: 30 }, () => 'analysing' as AttemptState);
	await waitForReport(
		'a',
		source(...states, 'reported'),
		signal,
		() => undefined,
		async (ms) => void waits.push(ms)
	);
	expect([waits[0], waits.at(-1)]).toEqual([500, 3_000]);
});

it('stops when nobody looks any more', async () => {
	const stop = new AbortController();
	const waiting = waitForReport('a', source('analysing'), stop.signal, () => stop.abort());
	await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});
