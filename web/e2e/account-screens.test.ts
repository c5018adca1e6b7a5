import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { choose, inspect, NARROW, picture } from './browser.ts';
import * as fixtures from './fixtures.ts';
import * as accounts from './mock-accounts.ts';
import { useMock } from './setup.ts';

const screens = useMock(
	'Good morning.',
	{ lead: 0, tail: 1 },
	{ permissions: ['clipboard-write'] }
);
let server: typeof screens.server;
let page: Page;
beforeEach(() => void ({ page, server } = screens));

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
const field = (name: string) => page.getByLabel(name, { exact: true });
const heading = (name: string) => page.getByRole('heading', { name }).waitFor();
const focused = () =>
	page.evaluate(() => (document.activeElement as HTMLInputElement | null)?.name ?? '');
const refuse = (status: number, kind: string, detail: string) => ({
	status,
	body: { status, detail, type: `urn:bedside:problem:${kind}` }
});

/** Makes the server refuse a request until prove() is called. */
function wantProof(request: string): void {
	server.answers.set(
		request,
		refuse(
			403,
			'reauthentication-required',
			'First prove that it is you: give your password again.'
		)
	);
}
async function prove(request: string): Promise<void> {
	await field('Your password').fill('right');
	server.answers.delete(request);
	await button('Confirm').click();
	await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** Adds an authenticator to the browser that answers by itself. */
async function addAuthenticator({ withPasskey = false } = {}): Promise<void> {
	const devtools = await page.context().newCDPSession(page);
	await devtools.send('WebAuthn.enable');
	const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
		options: {
			protocol: 'ctap2',
			transport: 'internal',
			hasResidentKey: true,
			hasUserVerification: true,
			isUserVerified: true,
			automaticPresenceSimulation: true
		}
	});
	if (!withPasskey) return;
	const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	await devtools.send('WebAuthn.addCredential', {
		authenticatorId,
		credential: {
			credentialId: 'AAAA',
			isResidentCredential: true,
			rpId: 'localhost',
			userHandle: 'AAAA',
			privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
			signCount: 0
		}
	});
}

describe('signed out', () => {
	beforeEach(() => void (server.user = null));

	it('registers, and answers by mail whether the address is free or not', async () => {
		await page.goto('/register');
		await button('Create my account').click();
		await page.getByText('Enter the name that others will see.').waitFor();
		expect(await focused()).toBe('name');
		await inspect(page, 'register-empty');
		await field('Your name').fill('Dana Kovač');
		await field('E-mail').fill('dana@');
		await field('Password').focus();
		await page.getByText('Enter the whole address').waitFor();
		await field('E-mail').fill('dana@example.org');
		await page.getByText('Enter the whole address').waitFor({ state: 'detached' });
		await field('Password').fill('password');
		server.answers.set('POST /auth/register', {
			status: 422,
			body: {
				status: 422,
				detail: 'Too common.',
				errors: [
					{
						location: 'body.password',
						message: 'This password is easy to guess.'
					}
				]
			}
		});
		await button('Create my account').click();
		await page.getByText('This password is easy to guess').waitFor();
		expect(await focused()).toBe('password');
		server.answers.clear();
		await field('Password').fill('seven green lanterns');
		await page.keyboard.press('Enter');
		await heading('Check your mail');
		await inspect(page, 'register-mail');
		expect(server.sent.get('POST /auth/register')).toEqual({
			name: 'Dana Kovač',
			email: 'dana@example.org',
			password: 'seven green lanterns'
		});
	});

	it('confirms an address', async () => {
		await page.goto('/verify-email#token=abc');
		await button('Confirm my address').waitFor();
		await inspect(page, 'verify');
		await button('Confirm my address').click();
		await heading('Your address is confirmed');
		expect(server.sent.get('POST /auth/verify-email')).toEqual({ token: 'abc' });
		expect(page.url()).not.toContain('abc');
		await inspect(page, 'verified');
	});

	it('says what to do about a used link, or an incomplete one', async () => {
		server.answers.set(
			'POST /auth/verify-email',
			refuse(422, 'link-expired', 'This link does not work any more. Ask for a new one.')
		);
		await page.goto('/verify-email#token=abc');
		await button('Confirm my address').click();
		await page.getByText('This link does not work any more.').waitFor();
		await inspect(page, 'verify-spent');
		await page.goto('/reset-password');
		await page.getByText('This link is incomplete.').waitFor();
		await inspect(page, 'reset-none');
	});

	it('chooses a new password', async () => {
		await page.goto('/forgot-password');
		await button('Send me the link').click();
		expect(await focused()).toBe('email');
		await inspect(page, 'forgot');
		await field('E-mail').fill('dana@example.org');
		await button('Send me the link').click();
		await heading('Check your mail');
		await inspect(page, 'forgot-mail');
		await page.goto('/reset-password#token=abc');
		await field('New password').fill('short');
		await button('Set the new password').click();
		await page.getByText('Use at least 8 characters.').waitFor();
		await inspect(page, 'reset');
		await field('New password').fill('seven green lanterns');
		await button('Show what is typed').click();
		expect(await field('New password').getAttribute('type')).toBe('text');
		await button('Set the new password').click();
		await page.getByText('Your new password is set.').waitFor();
		await inspect(page, 'reset-done');
	});

	it('takes a second step', async () => {
		server.answers.set('POST /auth/login', {
			status: 202,
			body: { ticket: 'k', methods: ['totp', 'recovery_code'], expires_in: 300 }
		});
		server.answers.set('POST /auth/second-factor', refuse(401, 'wrong-code', 'Wrong.'));
		await page.goto('/sign-in?next=/account');
		const signIn = async () => {
			await field('E-mail').fill('dana@example.org');
			await field('Password').fill('right');
			await button('Sign in').click();
			await heading('One more step');
		};
		await signIn();
		expect(await focused()).toBe('code');
		await inspect(page, 'second-step');
		await field('Six-digit code').fill('123 456');
		await page.keyboard.press('Enter');
		await page.getByText('This code is not right. Wait for the next one').waitFor();
		expect(await focused()).toBe('code');
		await inspect(page, 'second-step-wrong');
		await button('Use a recovery code').click();
		await field('Recovery code').fill(accounts.CODES[0] ?? '');
		await inspect(page, 'second-step-recovery');
		server.answers.set(
			'POST /auth/second-factor',
			refuse(401, 'sign-in-expired', 'Too late.')
		);
		await button('Go on').click();
		await page.getByText('That took too long, or there were too many tries.').waitFor();
		server.answers.delete('POST /auth/second-factor');
		await signIn();
		await field('Six-digit code').fill('123456');
		await button('Go on').click();
		await page.waitForURL((url) => url.pathname === '/account');
		expect(server.sent.get('POST /auth/second-factor')).toEqual({
			ticket: 'k',
			code: '123456',
			refresh_in: 'cookie'
		});
	});

	it('says that there were too many tries, and that no passkey was used', async () => {
		server.answers.set(
			'POST /auth/login',
			refuse(429, 'limit', 'Too many tries. Wait a minute, then try again.')
		);
		server.answers.set('POST /auth/passkeys/begin', {
			status: 200,
			body: { ticket: 'k', options: { challenge: 'AAAA', rpId: 'elsewhere.example' } }
		});
		await page.goto('/sign-in');
		await field('E-mail').fill('dana@example.org');
		await field('Password').fill('right');
		await button('Sign in').click();
		await page.getByRole('alert').getByText('Too many tries.').waitFor();
		await button('Use a passkey').click();
		await page.getByRole('alert').getByText('Passkeys do not work at this address.').waitFor();
		await inspect(page, 'sign-in-no-passkey');
	});

	it('offers no passkey at a numeric address', async () => {
		await page.goto(server.url.replace('localhost', '127.0.0.1') + '/sign-in');
		await button('Sign in').waitFor();
		expect(await button('Use a passkey').count()).toBe(0);
	});

	it('says that the session has ended, and leads back after the sign-in', async () => {
		server.answers.set(
			'POST /auth/refresh',
			refuse(401, 'session-ended', 'The session has ended: sign in again.')
		);
		await page.goto('/account/devices');
		await page.getByText('The session has ended: sign in again.').waitFor();
		await inspect(page, 'sign-in-ended');
		server.answers.clear();
		await field('E-mail').fill('dana@example.org');
		await field('Password').fill('right');
		await button('Sign in').click();
		await page.waitForURL('**/account/devices');
	});
});

it('the user menu works by keyboard', async () => {
	await page.setViewportSize(NARROW);
	await page.goto('/');
	const menu = page.getByRole('button', { name: /Your menu/ });
	await menu.focus();
	await page.keyboard.press('Enter');
	await page.getByRole('menuitem', { name: 'Profile' }).waitFor();
	await picture(page, 'menu-360', false);
	await page.keyboard.press('s'); // the first item that begins with S
	await page.keyboard.press('Enter');
	await page.waitForURL('**/account/security');
	await heading('Security');
});

describe('profile', () => {
	it('is changed, and only changes are sent', async () => {
		await page.goto('/account');
		await field('Your name').waitFor();
		await inspect(page, 'profile');
		await field('Your name').fill('');
		await button('Save').click();
		await page.getByText('Enter the name that others will see.').waitFor();
		await field('Your name').fill('Dana K.');
		await page.getByLabel('Your profession').click();
		await choose(page, 'Medicine');
		await page.getByRole('combobox', { name: 'Time zone' }).click();
		await page.keyboard.type('new york');
		await page.getByRole('option', { name: /America\/New York/ }).waitFor();
		await picture(page, 'profile-zones-1280', false);
		await page.keyboard.press('ArrowDown');
		await page.keyboard.press('Enter');
		server.answers.set('PATCH /api/users/profile', {
			status: 200,
			body: {
				...fixtures.candidate,
				name: 'Dana K.',
				profession: 'medicine',
				time_zone: 'America/New_York'
			}
		});
		await button('Save').click();
		await page.getByText('Saved.').waitFor();
		expect(server.sent.get('PATCH /api/users/profile')).toEqual({
			name: 'Dana K.',
			profession: 'medicine',
			time_zone: 'America/New_York'
		}); // only what changed
		await page.getByRole('combobox', { name: 'Time zone' }).focus();
		await page.keyboard.press('ArrowDown');
		// The chosen item is listed, although it is far down.
		await page.getByRole('option', { name: /America\/New York/ }).waitFor();
		await page.keyboard.press('Enter');
		expect(await page.getByRole('combobox', { name: 'Time zone' }).inputValue()).toMatch(
			/New York/
		);
		await page.getByRole('button', { name: 'Your menu, Dana K.' }).waitFor();
	});

	it('loads, fails, and asks for an address to be confirmed', async () => {
		server.answers.set('GET /api/users/profile', 'never');
		await page.goto('/account');
		await page.getByText('Loading your profile').waitFor({ state: 'attached' });
		await inspect(page, 'profile-loading');
		server.answers.set(
			'GET /api/users/profile',
			refuse(500, 'internal', 'Something went wrong on our side. It has been logged.')
		);
		await page.reload();
		await button('Try again').waitFor();
		await inspect(page, 'profile-failed');
		server.answers.set('GET /api/users/profile', {
			status: 200,
			body: {
				...fixtures.candidate,
				email_verified: false,
				profession: '',
				target_grade: '',
				test_date: '',
				time_zone: '',
				locale: ''
			}
		});
		await button('Try again').click();
		await button('Send the link again').click();
		await page.getByText('A new mail is on its way.').waitFor();
		await inspect(page, 'profile-unconfirmed');
	});
});

describe('security', () => {
	it('changes the password with the current one', async () => {
		await page.goto('/account/security');
		await field('New password').waitFor();
		await inspect(page, 'security');
		await button('Change the password').click();
		await page.getByText('Choose a password.').waitFor();
		await page.getByText('Enter your password.').waitFor();
		await field('New password').fill('seven green lanterns');
		await field('Current password').fill('wrong');
		server.answers.set(
			'POST /api/users/profile/password',
			refuse(403, 'wrong-credentials', 'The password is wrong.')
		);
		await button('Change the password').click();
		await page.getByText('This password is wrong. Try again.').waitFor();
		await inspect(page, 'password-wrong');
		server.answers.delete('POST /api/users/profile/password');
		await field('Current password').fill('right');
		await button('Change the password').click();
		await page.getByText('Your password is changed.').waitFor();
		expect(server.sent.get('POST /api/users/profile/password')).toEqual({
			current_password: 'right',
			password: 'seven green lanterns'
		});
	});

	it('changes the password with a code or a passkey', async () => {
		server.answers.set('GET /api/users/profile/factors', {
			status: 200,
			body: accounts.ALL_FACTORS
		});
		const request = 'POST /api/users/profile/password';
		const way = () => page.getByLabel('Prove that it is you');
		await page.goto('/account/security');
		await way().click();
		await choose(page, 'With a code from your app');
		await field('New password').fill('seven green lanterns');
		await button('Change the password').click();
		await page.getByText('Enter the six digits that your app shows.').waitFor();
		expect(await focused()).toBe('code');
		await field('Six-digit code').fill('123 456');
		server.answers.set(request, refuse(403, 'wrong-code', 'The code is wrong.'));
		await button('Change the password').click();
		await page.getByText('This code is not right. Wait for the next one').waitFor();
		expect(await focused()).toBe('code');
		await inspect(page, 'password-code');
		server.answers.delete(request);
		await button('Change the password').click();
		await page.getByText('Your password is changed.').waitFor();
		expect(server.sent.get(request)).toEqual({
			code: '123456',
			password: 'seven green lanterns'
		});

		await addAuthenticator({ withPasskey: true });
		server.answers.set('POST /auth/passkeys/begin', {
			status: 200,
			body: { ticket: 'k', options: { challenge: 'AAAA', rpId: 'localhost' } }
		});
		await way().click();
		await page.getByRole('option', { name: 'With a passkey' }).click();
		await field('New password').fill('seven blue lanterns');
		await inspect(page, 'password-passkey');
		await button('Change the password').click();
		await page.getByText('Your password is changed.').waitFor();
		expect(server.sent.get(request)).toMatchObject({
			passkey: { ticket: 'k', credential: { type: 'public-key' } },
			password: 'seven blue lanterns'
		});
	});

	it('changes the address after a proof', async () => {
		wantProof('POST /api/users/profile/email');
		await page.goto('/account/security');
		await field('New address').fill('new@example.org');
		await button('Change the address').click();
		await page.getByRole('dialog').waitFor();
		await inspect(page, 'proof');
		server.answers.set(
			'POST /auth/reauthenticate',
			refuse(403, 'wrong-credentials', 'The password is wrong.')
		);
		await field('Your password').fill('wrong');
		await button('Confirm').click();
		await page.getByText('This password is wrong. Try again.').waitFor();
		await inspect(page, 'proof-wrong');
		server.answers.delete('POST /auth/reauthenticate');
		await prove('POST /api/users/profile/email');
		await page.getByText('Check the mail at new@example.org.').waitFor();
		expect(server.sent.get('POST /auth/reauthenticate')).toEqual({ password: 'right' });
	});

	it('changes nothing when the proof is declined', async () => {
		wantProof('POST /api/users/profile/email');
		await page.goto('/account/security');
		await field('New address').fill('new@example.org');
		await button('Change the address').click();
		await page.getByRole('dialog').waitFor();
		await page.keyboard.press('Escape');
		await page.getByRole('dialog').waitFor({ state: 'detached' });
		expect(await field('New address').inputValue()).toBe('new@example.org');
		server.answers.clear();
		await button('Change the address').click();
		await page.getByText('Check the mail at new@example.org.').waitFor();
		await inspect(page, 'security-address');
	});

	it('sets up an authenticator app', async () => {
		wantProof('POST /api/users/profile/factors/totp');
		await page.goto('/account/security');
		await button('Set it up').click();
		await page.getByRole('dialog').waitFor();
		await prove('POST /api/users/profile/factors/totp');
		await page.getByRole('img', { name: /QR code/ }).waitFor();
		await inspect(page, 'totp-setup');
		server.answers.set(
			'POST /api/users/profile/factors/totp/confirm',
			refuse(422, 'wrong-code', 'Wrong.')
		);
		await field('Six-digit code').fill('000000');
		await button('Turn it on').click();
		await page.getByText('This code is not right.').waitFor();
		server.answers.clear();
		server.answers.set('GET /api/users/profile/factors', {
			status: 200,
			body: accounts.ALL_FACTORS
		});
		await field('Six-digit code').fill('123456');
		await button('Turn it on').click();
		await page.getByText(accounts.CODES[0] ?? '').waitFor();
		await inspect(page, 'recovery-codes');
		await button('Copy').click();
		await page.getByText('Copied.').waitFor();
		const download = page.waitForEvent('download');
		await button('Download').click();
		expect(readFileSync(await (await download).path(), 'utf8')).toContain(
			accounts.CODES.join('\n')
		);
		await page.emulateMedia({ media: 'print' });
		await picture(page, 'recovery-codes-print');
		await page.emulateMedia({ media: 'screen' });
		await button('I have saved them').click();
		await page.getByText('You have 2 recovery codes left.').waitFor();
		await inspect(page, 'security-filled');
	});

	it('makes new recovery codes, and turns the app off', async () => {
		server.answers.set('GET /api/users/profile/factors', {
			status: 200,
			body: accounts.ALL_FACTORS
		});
		await page.goto('/account/security');
		await button('Make new recovery codes').click();
		await button('Make new ones').click();
		await button('I have saved them').click();
		await button('Turn it off').click();
		await page.getByRole('alertdialog').waitFor();
		await inspect(page, 'totp-off');
		server.answers.clear();
		await page.getByRole('alertdialog').getByRole('button', { name: 'Turn it off' }).click();
		await button('Set it up').waitFor();
		expect(server.sent.has('DELETE /api/users/profile/factors/totp')).toBe(true);
	});

	it('removes a passkey', async () => {
		server.answers.set('GET /api/users/profile/factors', {
			status: 200,
			body: accounts.ALL_FACTORS
		});
		await page.goto('/account/security');
		await button('Remove Firefox on Linux').click();
		await page.getByRole('alertdialog').waitFor();
		await button('Remove it').click();
		await page.getByText('Firefox on Linux was removed.').waitFor();
		expect(server.sent.has('DELETE /api/users/profile/factors/passkeys/p1')).toBe(true);
	});

	it('adds a passkey with the browser’s own authenticator', async () => {
		await addAuthenticator();
		server.answers.set('POST /api/users/profile/factors/passkeys/begin', {
			status: 200,
			body: {
				ticket: 'k',
				options: {
					challenge: 'AAAA',
					rp: { id: 'localhost', name: 'Bedside' },
					user: { id: 'AAAA', name: 'dana', displayName: 'Dana' },
					pubKeyCredParams: [{ type: 'public-key', alg: -7 }]
				}
			}
		});
		server.answers.set('POST /api/users/profile/factors/passkeys', {
			status: 201,
			body: accounts.ALL_FACTORS.passkeys[0]
		});
		await page.goto('/account/security');
		await button('Add a passkey').click();
		await button('Cancel').click();
		// The button that had the focus is gone; its panel has the focus then.
		await expect
			.poll(() => page.locator('section:focus h2').allInnerTexts())
			.toEqual(['Passkeys']);
		await button('Add a passkey').click();
		await field('Name of the passkey').fill('My laptop');
		await inspect(page, 'passkey-adding');
		await button('Go on').click();
		await page.getByText('My laptop was added.').waitFor();
		expect(server.sent.get('POST /api/users/profile/factors/passkeys')).toMatchObject({
			ticket: 'k',
			name: 'My laptop',
			credential: { type: 'public-key' }
		});
	});

	it('loads and fails', async () => {
		server.answers.set('GET /api/users/profile', 'never');
		server.answers.set(
			'GET /api/users/profile/factors',
			refuse(
				503,
				'unavailable',
				'A part of the server is away for a moment. Try again soon.'
			)
		);
		await page.goto('/account/security');
		await button('Try again').waitFor();
		await inspect(page, 'security-loading');
	});
});

describe('devices', () => {
	it('are listed, and signed out one by one or all at once', async () => {
		await page.goto('/account/devices');
		await page.getByText('This device').waitFor();
		await inspect(page, 'devices');
		await button('Sign out Safari 18 on iOS').click();
		await page.getByRole('alertdialog').waitFor();
		await inspect(page, 'devices-end');
		await button('Sign it out').click();
		await page.getByText('Safari 18 on iOS was signed out.').waitFor();
		expect(server.sent.has('DELETE /api/sessions/s2')).toBe(true);
		await button('Sign all others out').click();
		server.answers.set('GET /api/sessions', {
			status: 200,
			body: { items: accounts.devices.slice(0, 1) }
		});
		await button('Sign them out').click();
		await page.getByText('2 devices were signed out.').waitFor();
		await page.getByText('You are signed in on this device only.').waitFor();
		await inspect(page, 'devices-only');
	});

	it('load and fail', async () => {
		server.answers.set('GET /api/sessions', 'never');
		await page.goto('/account/devices');
		await page.getByText('Loading your devices').waitFor({ state: 'attached' });
		await inspect(page, 'devices-loading');
		server.answers.set(
			'GET /api/sessions',
			refuse(500, 'internal', 'Something went wrong on our side. It has been logged.')
		);
		await page.reload();
		await button('Try again').waitFor();
		await inspect(page, 'devices-failed');
	});
});

describe('my data', () => {
	it('is packed into an archive and downloaded', async () => {
		await page.goto('/account/data');
		await button('Make an archive').waitFor();
		await inspect(page, 'data');
		server.answers.set('GET /api/users/profile/export', {
			status: 200,
			body: accounts.archive({ state: 'running', progress: 0.4 })
		});
		await button('Make an archive').click();
		await page.getByRole('progressbar', { name: 'Your archive is being made' }).waitFor();
		expect(await page.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('40');
		await inspect(page, 'data-making');
		server.answers.set('GET /api/users/profile/export', {
			status: 200,
			body: accounts.archive()
		});
		await button('Download it').waitFor();
		await inspect(page, 'data-ready');
		server.answers.set('GET /api/users/profile/export/archive', {
			status: 200,
			body: { a: 1 }
		});
		const download = page.waitForEvent('download');
		await button('Download it').click();
		expect((await download).suggestedFilename()).toBe('bedside-my-data.zip');
	});

	it('may fail to be packed', async () => {
		server.answers.set('GET /api/users/profile/export', {
			status: 200,
			body: accounts.archive({ state: 'failed', progress: 0.2 })
		});
		await page.goto('/account/data');
		await button('Start again').waitFor();
		await inspect(page, 'data-failed');
		server.answers.set('GET /api/users/profile/export', 'never');
		await page.reload();
		await page.getByText('Looking for your archive').waitFor({ state: 'attached' });
		await inspect(page, 'data-loading');
	});

	it('is deleted with the account, after a confirmation', async () => {
		wantProof('DELETE /api/users/profile');
		await page.goto('/account/data');
		await button('Delete my account').click();
		await button('Delete it for good').click();
		await page.getByText('Type candidate@demo.bedside to confirm.').waitFor();
		await inspect(page, 'delete');
		await field('Type your e-mail address').fill('candidate@demo.bedside');
		await button('Delete it for good').click();
		await page.getByRole('dialog', { name: 'Confirm that it is you' }).waitFor();
		await prove('DELETE /api/users/profile');
		await page.getByText('Your account is deleted.').waitFor();
		expect(new URL(page.url()).search).toBe('');
		await inspect(page, 'deleted');
	});
});

describe('activity', () => {
	it('is listed page by page', async () => {
		await page.goto('/account/activity');
		await page.getByText('Signing in failed').waitFor();
		await inspect(page, 'activity');
		server.answers.set('GET /api/audit', { status: 200, body: { items: [], next: '' } });
		await button('Show older ones').click();
		await button('Show older ones').waitFor({ state: 'detached' });
		expect(server.sent.get('GET /api/audit')).toBe('?before=act9');
		await page.reload();
		await page.getByText('Nothing yet.').waitFor();
		await inspect(page, 'activity-empty');
	});
});

describe('administration', () => {
	beforeEach(() => void (server.user = accounts.admin));

	it('finds accounts and changes them', async () => {
		await page.goto('/');
		await page.getByRole('link', { name: 'Accounts' }).click();
		await page.getByText('Min-jun Park').first().waitFor();
		await inspect(page, 'admin');
		await field('Name or address').fill('dana');
		await page.getByLabel('State').click();
		await choose(page, 'Enabled');
		await expect
			.poll(() => server.sent.get('GET /api/users'))
			.toBe('?text=dana&disabled=false');
		await button('Disable the account of Dana Kovač').click();
		await page.getByRole('alertdialog').waitFor();
		await inspect(page, 'admin-disable');
		await button('Disable it').click();
		await page.getByText('The account of Dana Kovač is disabled.').waitFor();
		expect(server.sent.get('PATCH /api/users/c1')).toEqual({ disabled: true });
		server.answers.set(
			'PATCH /api/users/x1',
			refuse(
				409,
				'last-administrator',
				'This is the last administrator. Make somebody else one first.'
			)
		);
		const role = field('Role of Robin Vale');
		await role.click();
		await choose(page, 'Candidate');
		await button('Make them a candidate').click();
		await page.getByRole('alert').getByText('This is the last administrator.').waitFor();
		expect(await role.innerText()).toBe('Administrator'); // unchanged
		await inspect(page, 'admin-last');
		server.answers.set('GET /api/users', {
			status: 200,
			body: { items: [{ ...accounts.accounts[2], id: 'z9', name: 'Zora Zima' }], next: '' }
		});
		await button('Show more').click();
		await page.locator('strong', { hasText: 'Zora Zima' }).waitFor();
		expect(server.sent.get('GET /api/users')).toContain('before=x1');
	});

	it('adds accounts, by invitation or with a password', async () => {
		await page.goto('/admin/users');
		await button('Add an account').click();
		await heading('Add an account');
		expect(await focused()).toBe('name');
		await inspect(page, 'admin-add');
		await page.keyboard.press('Escape');
		await heading('Accounts');
		await page.locator('button:focus', { hasText: 'Add an account' }).waitFor();
		await page.keyboard.press('Enter');
		await button('Invite them').click();
		await page.getByText('Enter their address.').waitFor();
		expect(await focused()).toBe('name');
		await inspect(page, 'admin-add-empty');
		await field('Name').fill('Inês Duarte');
		await field('E-mail').fill('ines@example.org');
		server.answers.set(
			'POST /api/users',
			refuse(409, 'address-taken', 'There is an account with this address.')
		);
		await page.keyboard.press('Enter');
		await page.getByText('There is an account with this address.').waitFor();
		expect(await focused()).toBe('email');
		await inspect(page, 'admin-add-taken');
		wantProof('POST /api/users');
		await page.keyboard.press('Enter');
		await prove('POST /api/users');
		await page
			.getByText('Inês Duarte was invited: a link goes to ines@example.org.')
			.waitFor();
		await page.locator('button:focus', { hasText: 'Add an account' }).waitFor();
		expect(server.sent.get('POST /api/users')).toEqual({
			name: 'Inês Duarte',
			email: 'ines@example.org',
			role: 'candidate'
		});

		await button('Add an account').click();
		await field('Name').fill('Noor Haddad');
		await field('E-mail').fill('noor@example.org');
		await page.getByLabel('How they sign in first').click();
		await choose(page, 'With a password that you tell them');
		await page.getByLabel('Role', { exact: true }).first().click();
		await choose(page, 'Tutor');
		await field('Password').fill('seven green lanterns');
		server.answers.set('POST /api/users', {
			status: 201,
			body: { ...accounts.accounts[1], name: 'Noor Haddad', invited: false }
		});
		await inspect(page, 'admin-add-password');
		await button('Create the account').click();
		await page.getByText('Noor Haddad can sign in as').waitFor();
		expect(server.sent.get('POST /api/users')).toEqual({
			name: 'Noor Haddad',
			email: 'noor@example.org',
			role: 'tutor',
			password: 'seven green lanterns'
		});
	});

	it('signs people out, invites them again and deletes their accounts', async () => {
		await page.goto('/admin/users');
		await button(/^Sign out\s*: Dana Kovač$/).click();
		const dialog = page.getByRole('alertdialog');
		await dialog.getByText('candidate@demo.bedside').waitFor();
		await inspect(page, 'admin-sign-out');
		await button('Sign them out').click();
		await page.getByText('Dana Kovač was signed out on 3 devices.').waitFor();
		await page.locator('button:focus', { hasText: 'Sign out: Dana Kovač' }).waitFor();

		await button(/^Invite again\s*: Inês Duarte$/).click();
		await button('Mail it').click();
		await page.getByText('Inês Duarte was mailed a new invitation.').waitFor();

		await button('Delete the account of Dana Kovač').click();
		await dialog.getByText('candidate@demo.bedside').waitFor();
		await inspect(page, 'admin-delete');
		await page.keyboard.press('Escape'); // nothing is deleted without the answer
		await dialog.waitFor({ state: 'detached' });
		expect(server.sent.has('DELETE /api/users/c1')).toBe(false);
		wantProof('DELETE /api/users/c1');
		await button('Delete the account of Dana Kovač').click();
		await button('Delete it for good').click();
		await button('Cancel').click(); // the proof is declined
		await page.getByRole('dialog').waitFor({ state: 'detached' });
		await page.getByText('Dana Kovač').first().waitFor();
		await button('Delete the account of Dana Kovač').click();
		await button('Delete it for good').click();
		await prove('DELETE /api/users/c1');
		await page.getByText('The account of Dana Kovač is deleted.').waitFor();
		await expect.poll(() => page.getByText('candidate@demo.bedside').count()).toBe(0);
		expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe(
			'group'
		);
		await inspect(page, 'admin-deleted');
		expect(await button(/Delete the account of Robin Vale/).count()).toBe(0); // the own one
	});

	it('finds none, loads and fails', async () => {
		server.answers.set('GET /api/users', { status: 200, body: { items: [], next: '' } });
		await page.goto('/admin/users');
		await page.getByText('No account matches these filters.').waitFor();
		await inspect(page, 'admin-empty');
		server.answers.set('GET /api/users', 'never');
		await page.reload();
		await page.getByText('Loading the accounts').waitFor({ state: 'attached' });
		await inspect(page, 'admin-loading');
		server.answers.set(
			'GET /api/users',
			refuse(500, 'internal', 'Something went wrong on our side. It has been logged.')
		);
		await page.reload();
		await button('Try again').waitFor();
		await inspect(page, 'admin-failed');
		server.answers.delete('GET /api/users');
		await button('Try again').click();
		await page.getByText('Min-jun Park').first().waitFor();
	});

	it('is for administrators only', async () => {
		server.user = fixtures.tutor;
		await page.goto('/admin/users');
		await page.getByText('This page is for administrators.').waitFor();
		await inspect(page, 'admin-refused');
	});
});

it('in the dark', async () => {
	await screens.restart({ colorScheme: 'dark' });
	({ page } = screens);
	server.answers.set('GET /api/users/profile/factors', {
		status: 200,
		body: accounts.ALL_FACTORS
	});
	server.answers.set('GET /api/users/profile/export', {
		status: 200,
		body: accounts.archive({ state: 'running', progress: 0.4 })
	});
	server.user = accounts.admin;
	for (const [name, path, text] of [
		['profile', '/account', 'Save'],
		['security', '/account/security', 'Passkeys'],
		['devices', '/account/devices', 'This device'],
		['data', '/account/data', 'Your archive is being made'],
		['activity', '/account/activity', 'Signing in failed'],
		['admin', '/admin/users', 'Min-jun Park'],
		['verify', '/verify-email#token=abc', 'Confirm my address'],
		['reset', '/reset-password#token=abc', 'Set the new password'],
		['forgot', '/forgot-password', 'Send me the link']
	] as const) {
		await page.goto(path);
		await page.getByText(text).first().waitFor();
		await inspect(page, `dark-${name}`);
	}
	await page.goto('/account/data');
	await button('Delete my account').click();
	await button('Delete it for good').click();
	await page.getByText(/^Type .* to confirm/).waitFor();
	await inspect(page, 'dark-delete');
	server.user = null;
	server.answers.set('POST /auth/login', {
		status: 202,
		body: { ticket: 'k', methods: ['totp', 'recovery_code'], expires_in: 300 }
	});
	await page.goto('/register');
	await button('Create my account').click();
	await page.getByText('Choose a password.').waitFor();
	await inspect(page, 'dark-register');
	await page.goto('/sign-in');
	await field('Password').waitFor();
	await inspect(page, 'dark-sign-in');
	await field('E-mail').fill('dana@example.org');
	await field('Password').fill('right');
	await button('Sign in').click();
	await heading('One more step');
	await inspect(page, 'dark-second-step');
});
