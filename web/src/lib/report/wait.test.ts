import { describe, expect, it, vi } from 'vitest';
import { Problem, UNREACHABLE } from '$lib/api/problem';
import type { AttemptDetail, AttemptState, Report, Speaker } from '$lib/api/types';
import { waitForRecordings, waitForReport } from './wait';

function source(...states: AttemptState[]) {
	return {
		attempt: async () =>
			({ state: states.length > 1 ? states.shift() : states[0] }) as AttemptDetail,
		report: async () => ({ attempt_id: 'a' }) as Report,
		recordingPending: async () => false
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

describe('recordings that are not stored yet', () => {
	function reportWith(...states: ('pending' | 'kept' | 'failed')[]): Report {
		const speakers = states.map((state, i) => ({
			speaker: i === 0 ? 'candidate' : 'patient',
			recording: { state }
		}));
		return { attempt_id: 'a', speakers } as unknown as Report;
	}

	/** Waits for the recordings of a report. The answers come one after the other. */
	async function waitFor(first: Report, answers: (boolean | Problem)[], then: Report[]) {
		const waits: number[] = [];
		const recordingPending = vi.fn(async (_id: string, _speaker: Speaker) => {
			const answer = answers.shift() ?? false;
			if (answer instanceof Problem) throw answer;
			return answer;
		});
		const report = vi.fn(async () => then.shift() ?? reportWith('kept'));
		const last = await waitForRecordings(
			first,
			{ report, recordingPending },
			signal,
			async (ms) => void waits.push(ms)
		);
		return { last, waits, report, asked: recordingPending.mock.calls.map((c) => c[1]) };
	}

	it('are asked for, and the report is loaded once they are there', async () => {
		const first = reportWith('pending', 'pending');
		const done = reportWith('kept', 'failed');
		const result = await waitFor(first, [true, false, true], [done]);
		expect(result.last).toBe(done);
		expect(result.report).toHaveBeenCalledTimes(1);
		const both = ['candidate', 'patient'];
		expect(result.asked).toEqual(['candidate', ...both, ...both]);
	});

	it('are asked for only if they are pending', async () => {
		const result = await waitFor(reportWith('kept', 'pending'), [true], []);
		expect(result.asked).toEqual(['patient', 'patient']);
	});

	it('are asked for less and less often, down to every ten minutes', async () => {
		const { waits } = await waitFor(reportWith('pending'), Array<boolean>(30).fill(true), []);
		expect(waits.slice(0, 3)).toEqual([5_000, 7_500, 11_250]);
		expect(waits.at(-1)).toBe(600_000);
		expect(waits.every((ms, i) => i === 0 || ms >= (waits[i - 1] ?? 0))).toBe(true);
	});

	it('are waited for while the server is away, but not when it refuses', async () => {
		const away = new Problem(0, UNREACHABLE);
		const { waits } = await waitFor(reportWith('pending'), [away, true], []);
		expect(waits).toHaveLength(3);
		const refused = waitFor(reportWith('pending'), [new Problem(403, 'Not yours.')], []);
		await expect(refused).rejects.toMatchObject({ status: 403 });
	});
});
