import { expect, it } from 'vitest';
import { remarks } from './transcript';

const said = { speaker: 'candidate', start_s: 1, end_s: 2, text: 'what worries you' } as const;

it.each([
	['a line like any other', {}, []],
	['a typed line', { typed: true }, ['typed']],
	['a line of the patient that was interrupted', { cut: true }, ['interrupted']],
	[
		'a question that was confirmed',
		{ understood: { outcome: 'confirm', intents: [] } },
		['the patient asked what you meant']
	],
	[
		'words that made no sense, and were hard to hear',
		{ understood: { outcome: 'repair', intents: [] }, confidence: 0.1 },
		['not understood']
	],
	['an answer to words that were hard to hear', { confidence: 0.1 }, ['hard to hear']],
	['a clear voice', { confidence: 0.9 }, []],
	['a new fact', { revealed: ['needles'] }, ['the patient told you something new']]
])('%s', (_, more, want) => {
	expect(remarks({ ...said, ...more })).toEqual(want);
});
