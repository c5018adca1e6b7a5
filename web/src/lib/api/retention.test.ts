import { expect, it } from 'vitest';
import { allKept, recordingKept } from './retention';

const DAY = 86_400;

it('says that everything stays until the account is deleted', () => {
	expect(allKept({ recordings_s: 0, reports_s: 0, audio_log_s: 0 })).toEqual([
		'Recordings are kept until the account is deleted.',
		'Reports are kept until the account is deleted.',
		'When an analysis fails, the server keeps the sound until the account is deleted, so that it can be tried again.'
	]);
});

it('says how long the sound of a failed analysis is kept', () => {
	expect(allKept({ recordings_s: 0, reports_s: 0, audio_log_s: 7 * DAY })).toContain(
		'When an analysis fails, the server keeps the sound for 7 days, so that it can be tried again.'
	);
});

it.each([
	[{ recordings_s: 30 * DAY, reports_s: 0 }, '30 days'],
	[{ recordings_s: 0, reports_s: 90 * DAY }, '90 days'],
	[{ recordings_s: 90 * DAY, reports_s: 30 * DAY }, '30 days'],
	[{ recordings_s: 3_600, reports_s: 0 }, '1 hour']
])('says when a recording is deleted: %o', (kept, time) => {
	expect(recordingKept({ ...kept, audio_log_s: 0 })).toBe(
		`Recordings are deleted ${time} after the role play.`
	);
});
