import { expect, it } from 'vitest';
import { ownPauses } from './pauses';

const span = (start_s: number, end_s: number) => ({ start_s, end_s });

it('leaves out the silences in which the patient speaks', () => {
	const silences = [span(2, 2.5), span(5, 9), span(11, 12), span(20, 30)];
	const patient = [span(5.4, 8.7), span(20.1, 20.2), span(29.9, 31)];
	expect(ownPauses(silences, patient)).toEqual([span(2, 2.5), span(11, 12), span(20, 30)]);
});

it('adds up short answers, and splits speech that lasts longer than a silence', () => {
	const silences = [span(0, 4), span(6, 7), span(8, 9)];
	const patient = [span(1, 1.2), span(2, 2.2), span(5, 8.4)];
	expect(ownPauses(silences, patient)).toEqual([]);
});

it('keeps all silences without a patient', () => {
	expect(ownPauses([span(1, 2)], [])).toEqual([span(1, 2)]);
});
