import { beforeEach, describe, expect, it } from 'vitest';
import { SoundCheck } from './check';

const input = (deviceId: string, groupId = 'g') => ({
	kind: 'audioinput' as const,
	deviceId,
	groupId
});
const output = { kind: 'audiooutput' as const, deviceId: 'speakers', groupId: 's' };
const DEVICES = [input('default', 'g1'), input('a', 'g1'), input('b', 'g2'), output];

describe('the remembered sound check', () => {
	beforeEach(() => sessionStorage.clear());
	const check = new SoundCheck(sessionStorage);

	it('holds for the same user and microphones', () => {
		expect(check.covers('dana', '', DEVICES)).toBe(false);
		check.remember('dana', '', DEVICES, true);
		expect(check.covers('dana', '', [...DEVICES].reverse())).toBe(true);
		expect(check.covers('dana', '', DEVICES.slice(0, 3))).toBe(true); // speakers do not matter
		const renamed = DEVICES.map((d) => ({ ...d, groupId: `${d.groupId} of another page` }));
		expect(check.covers('dana', '', renamed)).toBe(true);
		check.forget();
		expect(check.covers('dana', '', DEVICES)).toBe(false);
	});

	it.each([
		['another user', 'theo', '', DEVICES],
		['another choice', 'dana', 'b', DEVICES],
		['a microphone that was plugged in', 'dana', '', [...DEVICES, input('c')]],
		['one that was unplugged', 'dana', '', DEVICES.filter((d) => d.deviceId !== 'b')],
		[
			'another device as the system’s choice',
			'dana',
			'',
			[input('default', 'g2'), ...DEVICES.slice(1)]
		],
		['a browser that tells nothing', 'dana', '', [input(''), output]]
	])('does not hold for %s', (_, user, chosen, devices) => {
		check.remember('dana', '', DEVICES, true);
		expect(check.covers(user, chosen, devices)).toBe(false);
	});

	it('needs the consent', () => {
		check.remember('dana', '', DEVICES, false);
		expect(check.covers('dana', '', DEVICES)).toBe(false);
	});

	it('is not made while the microphones have no names, nor without storage', () => {
		check.remember('dana', '', [input('')], true);
		expect(check.covers('dana', '', [input('')])).toBe(false);
		const none = new SoundCheck(undefined);
		none.remember('dana', '', DEVICES, true);
		expect(none.covers('dana', '', DEVICES)).toBe(false);
		sessionStorage.setItem('bedside.check', 'nonsense');
		expect(check.covers('dana', '', DEVICES)).toBe(false);
	});
});
