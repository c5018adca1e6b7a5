import { expect, it } from 'vitest';
import type { Interruption, Report } from '$lib/api/types';
import { causeWords, interruptionsOf, inWords, label, lengthWords } from './interruptions';

const one = (from_s: number, to_s: number, cause: Interruption['cause']) => ({
	from_s,
	to_s,
	cause
});

it('says cause and length in words', () => {
	expect(inWords(one(3, 7, 'connection_lost'))).toBe('connection lost 4 s, not counted');
	expect(inWords(one(3, 4.26, 'muted'))).toBe('muted 1.3 s, not counted');
	expect(inWords(one(0, 12.4, 'server_restarted'))).toBe('server restarted 12 s, not counted');
});

it('labels an interruption as far as there is room', () => {
	const muted = one(3, 45, 'muted');
	expect([400, 100, 20].map((width) => label(muted, width))).toEqual([
		'muted 42 s, not counted',
		'muted 42 s',
		''
	]);
	expect([causeWords(muted), lengthWords(one(3, 3.62, 'muted'))]).toEqual(['muted', '0.6 s']);
});

it('lists the interruptions of all speakers in order', () => {
	const report = {
		speakers: [
			{ speaker: 'candidate', interruptions: [one(1, 2, 'muted'), one(8, 9, 'storage')] },
			{ speaker: 'patient', interruptions: [one(4, 5, 'clock_stopped')] }
		]
	} as unknown as Report;
	expect(interruptionsOf(report).map((i) => [i.speaker, i.from_s])).toEqual([
		['candidate', 1],
		['patient', 4],
		['candidate', 8]
	]);
});
