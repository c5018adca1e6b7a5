import { describe, expect, it } from 'vitest';
import { greenRoom, patientFrom, whoHears, whyNot } from './start';

const patient = { available: true, free: 1, waiting: 0, recogniser: 'pocketsphinx', why: '' };

describe('starting a role play', () => {
	it.each([
		[true, patient, ''],
		[undefined, undefined, ''],
		[false, patient, 'cannot play this one'],
		[true, { ...patient, available: false }, 'No automatic patient']
	])('with the automatic patient: dialogue %s, %o', (hasDialogue, answer, words) => {
		const reason = whyNot(hasDialogue, answer);
		if (words) expect(reason).toContain(words);
		else expect(reason).toBe('');
	});

	it('names the patient in the address', () => {
		const { searchParams } = new URL(greenRoom('a-b', 'friend'), 'http://x');
		expect(patientFrom(searchParams.get('patient'))).toBe('friend');
		expect(patientFrom('somebody')).toBe('tutor');
	});

	it('says who hears', () => {
		expect(whoHears(patient)).toContain('on this server');
		expect(whoHears({ ...patient, recogniser: 'api' })).toContain('service');
		expect(whoHears({ ...patient, recogniser: 'browser' })).toContain('browser');
		expect(whoHears({ ...patient, recogniser: '' })).toBe('');
	});
});
