import { describe, expect, it } from 'vitest';
import { actorWords, actWords, detailWords } from './acts';
import { agentWords } from './agent';
import * as check from '$lib/ui/checks';
import { deviceName } from './device';
import { words as passkeyWords } from './passkey';
import { locales, timeZones } from './regions';
import { sheet } from './recovery';

describe('checks of', () => {
	it('addresses', () => {
		expect(check.email('')).toBe('Enter your e-mail address.');
		for (const wrong of ['dana', 'dana@example', '@example.org', 'dana@ example.org'])
			expect(check.email(wrong), wrong).toMatch(/whole address/);
		for (const right of ['dana@example.org', ' dana.k+oet@mail.example.org '])
			expect(check.email(right), right).toBe('');
	});

	it('new passwords of eight characters and at most 72 bytes', () => {
		expect(check.newPassword('short')).toMatch(/at least 8/);
		expect(check.newPassword('žžžž')).toMatch(/at least 8/); // eight bytes
		expect(check.newPassword('žluťoučk')).toBe('');
		expect(check.newPassword('a'.repeat(72))).toBe('');
		expect(check.newPassword('a'.repeat(73))).toMatch(/shorter/);
		expect(check.newPassword('ž'.repeat(40))).toMatch(/shorter/);
	});

	it('codes', () => {
		for (const right of ['123456', '123 456', ' 123456 '])
			expect(check.digits(right), right).toBe('');
		for (const wrong of ['', '12345', '1234567', '12345a'])
			expect(check.digits(wrong), wrong).not.toBe('');
		expect(check.recoveryCode('abcd-efgh-ijkl-mnop')).toBe('');
		expect(check.recoveryCode('abcd-efgh')).toMatch(/too short/);
		expect(check.bare(' 12 34 56')).toBe('123456');
	});

	it('days', () => {
		for (const right of ['', '2026-11-14']) expect(check.day(right), right).toBe('');
		for (const wrong of ['1999-12-31', '2101-01-01', 'soon'])
			expect(check.day(wrong), wrong).not.toBe('');
	});
});

describe('words for', () => {
	it('browsers', () => {
		const agents = {
			'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0':
				'Firefox on Linux',
			'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0':
				'Edge on Windows',
			'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1':
				'Safari on an iPhone',
			'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36':
				'Chrome on Android',
			'curl/8.5.0': 'curl',
			'': ''
		};
		expect(Object.keys(agents).map(agentWords)).toEqual(Object.values(agents));
	});

	it('devices', () => {
		expect(deviceName({ browser: 'Firefox 143', system: 'Linux', kind: 'desktop' })).toBe(
			'Firefox 143 on Linux'
		);
		expect(deviceName({ browser: '', system: '', kind: 'program' })).toBe('A program');
		expect(deviceName({ browser: '', system: '', kind: 'unknown' })).toMatch(/does not say/);
	});

	it('entries of the audit trail', () => {
		expect(actWords({ action: 'session.start', outcome: 'done' })).toBe('Signed in');
		expect(actWords({ action: 'session.start', outcome: 'refused' })).toBe(
			'Signing in failed'
		);
		expect(actWords({ action: 'tape.made_new', outcome: 'refused' })).toBe(
			'tape made new, refused'
		);
		expect(actorWords({ action: '', own: true, actor_id: 'a', count: 1 })).toBe('');
		const other = { action: '', own: false, count: 1 };
		expect(actorWords({ ...other, actor_id: 'b' })).toMatch(/administrator/);
		expect(actorWords({ ...other, actor_id: '' })).toMatch(/not signed in$/);
		expect(
			actorWords({ action: 'attempt.retry', own: false, actor_id: '', count: 1 })
		).toMatch(/operator/);
		expect(actorWords({ action: '', own: false, actor_id: '', count: 12 })).toMatch(
			/12 times within an hour/
		);
		expect(detailWords({ detail: 'name, test_date', object: '' })).toBe(
			'name, day of the test'
		);
		expect(detailWords({ detail: '', object: 'a recovery code' })).toBe('a recovery code');
		expect(
			detailWords({ detail: '', object: 'session 0190d2a0-0000-7000-8000-000000000001' })
		).toBe('');
	});

	it('passkeys that the browser did not return', () => {
		expect(passkeyWords(new DOMException('', 'NotAllowedError'))).toMatch(/Try again/);
		expect(passkeyWords(new DOMException('', 'InvalidStateError'))).toMatch(/already/);
		expect(passkeyWords(new Error('x'))).toMatch(/password/);
	});

	it('the sheet of recovery codes', () => {
		expect(
			sheet(['aaaa-bbbb', 'cccc-dddd'], 'd@b.example', new Date(2026, 4, 2)).split('\n')
		).toEqual([
			'Recovery codes for Bedside, d@b.example',
			'Made on 2 May 2026. Each code works once. Older codes no longer work.',
			'',
			'aaaa-bbbb',
			'cccc-dddd',
			''
		]);
	});
});

it('time zones and languages have readable labels', () => {
	const zones = timeZones(new Date('2026-01-15T12:00:00Z'));
	expect(zones.find((zone) => zone.value === 'Europe/Zagreb')?.label).toBe(
		'Europe/Zagreb (UTC+1)'
	);
	expect(locales().find((locale) => locale.value === 'en-GB')?.label).toBe('British English');
	expect(locales('pt-BR')[0]?.value).toBe('pt-BR');
});
