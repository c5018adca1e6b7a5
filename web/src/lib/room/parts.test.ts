import { describe, expect, it } from 'vitest';
import { PhaseClock } from './clock';
import { MicrophoneError, openMicrophone } from './microphone';
import { judge, sampleOf } from './quality';

describe('the clock', () => {
	it('counts down from what the server said', () => {
		const clock = new PhaseClock();
		clock.set({ remaining_ms: 10_000, running: true }, 1_000);
		expect([1_000, 4_000, 99_000].map((t) => clock.remaining(t))).toEqual([10_000, 7_000, 0]);
	});

	it('does not change while it is stopped', () => {
		const clock = new PhaseClock();
		clock.set({ remaining_ms: 5_000, running: false }, 0);
		expect(clock.remaining(60_000)).toBe(5_000);
	});
});

const choices = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

function devices(...results: (string | MediaStream)[]) {
	const asked: MediaStreamConstraints[] = [];
	const getUserMedia = (constraints: MediaStreamConstraints) => {
		asked.push(constraints);
		const result = results.shift();
		return typeof result === 'object'
			? Promise.resolve(result)
			: Promise.reject(new DOMException('no', result));
	};
	return { asked, mediaDevices: { getUserMedia } as unknown as MediaDevices };
}

describe('the microphone', () => {
	it.each([
		['NotAllowedError', 'denied'],
		['NotFoundError', 'missing'],
		['NotReadableError', 'busy'],
		['OddError', 'unknown']
	])('%s means %s', async (name, problem) => {
		const { mediaDevices } = devices(name);
		await expect(
			openMicrophone('', choices, { secure: true, mediaDevices })
		).rejects.toMatchObject({ problem });
	});

	it('is not asked for on an insecure address, or without the interface', async () => {
		await expect(
			openMicrophone('', choices, { secure: false, mediaDevices: undefined })
		).rejects.toMatchObject({ problem: 'insecure' });
		await expect(
			openMicrophone('', choices, { secure: true, mediaDevices: undefined })
		).rejects.toBeInstanceOf(MicrophoneError);
	});

	it('falls back to the default one when the chosen one is gone', async () => {
		const stream = {} as MediaStream;
		const { mediaDevices, asked } = devices('OverconstrainedError', stream);
		expect(await openMicrophone('old', choices, { secure: true, mediaDevices })).toBe(stream);
		expect(asked.map((c) => (c.audio as MediaTrackConstraints).deviceId)).toEqual([
			{ exact: 'old' },
			undefined
		]);
	});
});

describe('the quality', () => {
	const calm = { received: 0, lost: 0, jitterS: 0.005, roundTripS: 0.03, lostOutward: 0 };

	it('adds up the streams', () => {
		expect(
			sampleOf([
				{
					type: 'inbound-rtp',
					kind: 'audio',
					packetsReceived: 90,
					packetsLost: 10,
					jitter: 0.01
				},
				{ type: 'inbound-rtp', kind: 'video', packetsReceived: 5 },
				{ type: 'remote-inbound-rtp', roundTripTime: 0.08, fractionLost: 0.01 },
				{ type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.05 }
			])
		).toEqual({ received: 90, lost: 10, jitterS: 0.01, roundTripS: 0.08, lostOutward: 0.01 });
	});

	it.each([
		['good', { received: 100, lost: 1 }],
		['fair', { received: 100, lost: 4 }],
		['poor', { received: 80, lost: 20 }],
		['fair', { roundTripS: 0.3 }],
		['poor', { lostOutward: 0.2 }]
	] as const)('%s for %o', (quality, change) => {
		expect(judge(calm, { ...calm, ...change })).toBe(quality);
	});

	it('is unknown at first, and depends only on the time between samples', () => {
		expect(judge(undefined, calm)).toBe('unknown');
		expect(
			judge({ ...calm, received: 100, lost: 50 }, { ...calm, received: 200, lost: 50 })
		).toBe('good');
	});
});
