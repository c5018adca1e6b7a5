import { describe, expect, it } from 'vitest';
import { deviceOf, type Device } from './device';
import type { MicrophoneProblem } from './microphone';
import { remedy, silenceRemedy, soundRemedy } from './remedies';

const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15';
const ANDROID = 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)';
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15';
const SAFARI = 'Version/18.5 Mobile/15E148 Safari/604.1';

const device = (userAgent: string, touchPoints = 0, installed = false) =>
	deviceOf({ userAgent, touchPoints, installed });

describe('a device', () => {
	it.each([
		['phone ios safari', `${IPHONE} (KHTML, like Gecko) ${SAFARI}`, 5],
		['phone ios chrome', `${IPHONE} CriOS/137.0 Mobile/15E148 Safari/604.1`, 5],
		['phone ios firefox', `${IPHONE} FxiOS/139.0 Mobile/15E148 Safari/605.1.15`, 5],
		['phone ios unknown in Instagram', `${IPHONE} Mobile/22F76 Instagram 380.0`, 5],
		['phone ios unknown in Facebook', `${IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/512]`, 5],
		['phone ios unknown in another app', `${IPHONE} (KHTML, like Gecko) Mobile/15E148`, 5],
		['tablet ios safari', `${MAC} (KHTML, like Gecko) Version/18.5 Safari/605.1.15`, 5],
		['tablet ios safari', `Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) ${SAFARI}`, 5],
		['desktop mac safari', `${MAC} (KHTML, like Gecko) Version/18.5 Safari/605.1.15`, 0],
		['phone android chrome', `${ANDROID} Chrome/137.0.0.0 Mobile Safari/537.36`, 5],
		['tablet android chrome', `${ANDROID} Chrome/137.0.0.0 Safari/537.36`, 5],
		[
			'phone android samsung',
			`${ANDROID} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36`,
			5
		],
		[
			'phone android firefox',
			'Mozilla/5.0 (Android 15; Mobile; rv:139.0) Gecko/139.0 Firefox/139.0',
			5
		],
		[
			'phone android chrome in another app',
			'Mozilla/5.0 (Linux; Android 15; Pixel 8; wv) AppleWebKit/537.36 Version/4.0 Chrome/137.0 Mobile Safari/537.36',
			5
		],
		[
			'desktop windows edge',
			'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/137.0 Safari/537.36 Edg/137.0',
			0
		],
		[
			'desktop windows firefox',
			'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0',
			10
		],
		[
			'desktop linux chrome',
			'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/137.0 Safari/537.36',
			0
		],
		[
			'desktop chromeos chrome',
			'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/137.0 Safari/537.36',
			0
		],
		['desktop unknown unknown', 'curl/8.5', 0]
	])('%s', (words, userAgent, touchPoints) => {
		const { form, system, browser, app } = device(userAgent, touchPoints);
		expect([form, system, browser, ...(app ? ['in', app] : [])].join(' ')).toBe(words);
	});

	it('an installed page is in no app', () => {
		expect(device(`${IPHONE} (KHTML, like Gecko) Mobile/15E148`, 5, true).app).toBe('');
	});
});

const iphone = device(`${IPHONE} (KHTML, like Gecko) ${SAFARI}`, 5);
const ipad = device(`${MAC} (KHTML, like Gecko) Version/18.5 Safari/605.1.15`, 5);
const pixel = device(`${ANDROID} Chrome/137.0.0.0 Mobile Safari/537.36`, 5);
const windows = device('Mozilla/5.0 (Windows NT 10.0) Chrome/137.0 Safari/537.36');
const mac = device(`${MAC} (KHTML, like Gecko) Version/18.5 Safari/605.1.15`);
const firefox = device('Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko Firefox/139.0');
const instagram = device(`${IPHONE} Mobile/22F76 Instagram 380.0`, 5);
const webview = device(
	'Mozilla/5.0 (Linux; Android 15; wv) Version/4.0 Chrome/137.0 Mobile Safari/537.36',
	5
);

describe('a remedy', () => {
	const problems: MicrophoneProblem[] = [
		'insecure',
		'unsupported',
		'denied',
		'missing',
		'busy',
		'unknown'
	];
	const devices = { iphone, ipad, pixel, windows, mac, firefox, instagram, webview };

	it.each(Object.entries(devices))('is there for every problem on %s', (_, on: Device) => {
		for (const problem of problems) {
			const { title, steps } = remedy(problem, 'http://10.0.0.7', on);
			expect(title).not.toBe('');
			expect(steps.length).toBeGreaterThan(0);
			expect(steps.join(' ')).not.toMatch(/undefined|\s\s/);
			if (on.form !== 'desktop')
				expect(steps.join(' ')).not.toMatch(/[Cc]lick|localhost|[Pp]lug in|menu bar/);
		}
	});

	const steps = (problem: MicrophoneProblem, on: Device) =>
		remedy(problem, 'http://10.0.0.7', on).steps.join(' ');

	it.each([
		['an iPhone', iphone, 'Website Settings', 'Settings under Privacy & Security'],
		['an installed page', { ...iphone, installed: true }, 'Apps, Safari', 'the phone’s'],
		['an iPad', ipad, 'Website Settings', 'the tablet’s Settings under Privacy & Security'],
		['Android', pixel, 'Permissions, and allow', 'Microphone access'],
		['Windows', windows, 'icon at the left of the address bar', 'Windows’ Settings'],
		['a Mac with Safari', mac, 'Settings for This Website', 'System Settings'],
		['Firefox', firefox, 'crossed-out microphone', 'your system’s privacy settings']
	])('says where a blocked microphone is allowed on %s', (_, on, browser, system) => {
		expect(steps('denied', on)).toContain(browser);
		expect(steps('denied', on)).toContain(system);
	});

	it('leads out of an app', () => {
		for (const problem of ['denied', 'unsupported'] as const) {
			expect(steps(problem, instagram)).toMatch(/inside Instagram.*Open in Safari/);
			expect(steps(problem, webview)).toMatch(/inside another app.*Open in Chrome/);
		}
	});

	it('does not ask the owner of a phone to plug in a headset', () => {
		expect(steps('missing', pixel)).toContain('your phone has a microphone of its own');
		expect(steps('missing', ipad)).toContain('your tablet has a microphone of its own');
		expect(steps('missing', windows)).toContain('Plug in a headset');
		expect(steps('busy', iphone)).toContain('End phone calls');
	});

	it('for silence names the switch that the device has', () => {
		const silence = (on: Device) => silenceRemedy(on).steps.join(' ');
		expect(silence(windows)).toContain('Settings, System, Sound');
		expect(silence(mac)).toContain('System Settings, Sound, Input');
		expect(silence(firefox)).toContain('your system’s sound settings');
		expect(silence(iphone)).toContain('End calls on the phone');
		expect(silence(pixel)).toContain('Pull the shade down');
	});

	it('for speakers that are not heard knows the silent switch', () => {
		expect(soundRemedy(iphone, false)).toContain('switch silent mode off');
		expect(soundRemedy(pixel, false)).not.toContain('silent mode');
		expect(soundRemedy(windows, true)).toMatch(/this tab, or choose other speakers\./);
	});
});
