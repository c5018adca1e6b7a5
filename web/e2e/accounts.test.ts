import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { choose, inspect } from './browser.ts';
import { Person } from './people.ts';
import type { Server } from './server.ts';
import { useServer } from './setup.ts';
import { speak } from './speech.ts';
import { totp } from './totp.ts';

const SPEECH = 'Hello, this is my microphone, and I am about to begin.';
const running = useServer((dir) => speak(dir, 'check', SPEECH, 'en-gb', 0.3, 60).file);
let browser: Browser;
let server: Server;
beforeAll(() => void ({ browser, server } = running));

const SLOW = { timeout: 30_000 };
const PASSWORD = 'seven green lanterns';

describe('an account', () => {
	const email = 'ama.boateng@example.org';

	it('is created, confirmed by a mailed link, and used for a first role play', async () => {
		const ama = await Person.open(browser, server.url);
		const { page } = ama;
		await page.goto('/');
		await page.getByRole('link', { name: 'Create an account' }).click();
		await page.getByLabel('Your name').fill('Ama Boateng');
		await page.getByLabel('E-mail').fill(email);
		await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
		await page.getByRole('button', { name: 'Create my account' }).click();
		await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
		await inspect(page, 'real-registered');

		await page.goto(await server.mailedLink(email, '/verify-email'));
		await page.getByRole('button', { name: 'Confirm my address' }).click();
		await page.getByText(`${email} is confirmed.`).waitFor();
		expect(page.url(), 'the token stays in the address').not.toContain('token');
		await page.getByRole('button', { name: 'Sign in' }).click();
		expect(await page.getByLabel('E-mail').inputValue()).toBe(email);
		await ama.signIn(email, PASSWORD);

		await page.getByRole('heading', { name: /Hello, Ama/ }).waitFor();
		await page.locator('.scenario').first().click();
		await page.getByRole('link', { name: 'With a tutor' }).click();
		await ama.enter('Enter the room');
		await page.getByText('Waiting for the patient.').waitFor();
		await ama.close();
	});

	it('gets a new password by the mailed link, which works once and signs every device out', async () => {
		const [here, there] = [
			await Person.open(browser, server.url),
			await Person.open(browser, server.url)
		];
		await there.signIn(email, PASSWORD);

		const { page } = here;
		await page.goto('/sign-in');
		await page.getByRole('link', { name: 'Forgotten your password?' }).click();
		await page.waitForURL('**/forgot-password'); // both pages have this field
		await page.getByLabel('E-mail').fill(email);
		await page.getByRole('button', { name: 'Send me the link' }).click();
		await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
		const link = await server.mailedLink(email, '/reset-password');
		await page.goto(link);
		await page.getByLabel('New password', { exact: true }).fill('password');
		await page.getByRole('button', { name: 'Set the new password' }).click();
		await page
			.getByText('This password is easy to guess.')
			.waitFor();
		await page.getByLabel('New password', { exact: true }).fill('eight blue lanterns');
		await page.getByRole('button', { name: 'Set the new password' }).click();
		await page.getByText('Your new password is set. Sign in with it.').waitFor();
		await here.signIn(email, 'eight blue lanterns');
		await page.getByRole('heading', { name: /Hello, Ama/ }).waitFor();

		await there.page.reload();
		await there.page.waitForURL('**/sign-in*');
		await there.page.goto(link);
		await there.page.getByLabel('New password', { exact: true }).fill('nine red lanterns');
		await there.page.getByRole('button', { name: 'Set the new password' }).click();
		await there.page.getByText('This link does not work any more.').waitFor();
		await here.close();
		await there.close();
	});

	it('changes its address with a mailed link', async () => {
		const ama = await Person.open(browser, server.url);
		const { page } = ama;
		await ama.signIn(email, 'eight blue lanterns');
		await page.goto('/account/security');
		await page.getByLabel('New address').fill('ama@elsewhere.example');
		await page.getByRole('button', { name: 'Change the address' }).click();
		await page.getByText('Check the mail at ama@elsewhere.example.').waitFor();
		await page.goto(await server.mailedLink('ama@elsewhere.example', '/verify-email'));
		await page.getByRole('button', { name: 'Confirm my address' }).click();
		await page.getByRole('link', { name: 'Go on to the role plays' }).click();
		await page.getByRole('button', { name: /Your menu/ }).click();
		await page.getByText('ama@elsewhere.example').waitFor();
		await ama.close();
	});

	it('is exported, then deleted', async () => {
		const ama = await Person.open(browser, server.url);
		const { page } = ama;
		await ama.signIn('ama@elsewhere.example', 'eight blue lanterns');
		await page.goto('/account/data');
		await page.getByRole('button', { name: 'Make an archive' }).click();
		await page.getByRole('button', { name: 'Download it' }).waitFor();
		await inspect(page, 'real-data');
		const download = page.waitForEvent('download');
		await page.getByRole('button', { name: 'Download it' }).click();
		expect(
			readFileSync(await (await download).path())
				.subarray(0, 4)
				.toString('latin1')
		).toBe('PK\x03\x04');

		await page.getByRole('button', { name: 'Delete my account' }).click();
		await page.getByLabel('Type your e-mail address').fill('ama@elsewhere.example');
		await page.getByRole('button', { name: 'Delete it for good' }).click();
		await page.getByText('Your account is deleted.').waitFor();
		await ama.firstStep('ama@elsewhere.example', 'eight blue lanterns');
		await page.getByText('The address or the password is wrong.').waitFor();
		await ama.close();
	});
});

describe('two tabs', () => {
	it('share one new token and stay signed in', async () => {
		const dana = await Person.open(browser, server.url);
		await dana.signIn('candidate');
		const { page: one, context } = dana;
		const two = await context.newPage();
		await two.goto('/');
		const tabs = [one, two];
		for (const tab of tabs) await tab.getByRole('heading', { name: /Hello, Dana/ }).waitFor();

		// Each tab's token is refused once. The first refresh is answered only when the other tab
		// waits for the lock.
		let refreshes = 0;
		let atOnce = 0;
		let most = 0;
		const refused = new Set<unknown>();
		await context.route('**/api/progress', (route, request) => {
			const tab = request.frame().page();
			if (refused.has(tab)) return route.continue();
			refused.add(tab);
			return route.fulfill({
				status: 401,
				contentType: 'application/problem+json',
				body: '{"status":401}'
			});
		});
		await context.route('**/auth/refresh', async (route) => {
			refreshes++;
			most = Math.max(most, ++atOnce);
			if (refreshes === 1)
				await expect
					.poll(
						() =>
							one.evaluate(
								async () => (await navigator.locks.query()).pending?.length
							),
						SLOW
					)
					.toBe(1);
			const response = await route.fetch();
			atOnce--;
			await route.fulfill({ response });
		});
		// Leave the home page and enter it again without a reload, which would refresh in any
		// case.
		for (const tab of tabs) await tab.locator('.scenario').first().click();
		for (const tab of tabs)
			await tab.getByRole('link', { name: 'With a tutor' }).waitFor();
		await Promise.all(
			tabs.map((tab) => tab.getByRole('link', { name: 'Bedside, home' }).click())
		);
		await expect.poll(() => refused.size, SLOW).toBe(2);
		for (const tab of tabs) await tab.getByText('Your next step', { exact: true }).waitFor();
		expect(refreshes).toBe(1);
		expect(most).toBe(1);

		// Reload both at once, as a browser does when it restores its tabs.
		await Promise.all(tabs.map((tab) => tab.reload()));
		for (const tab of tabs) await tab.getByRole('heading', { name: /Hello, Dana/ }).waitFor();
		expect(most).toBe(1);
		await dana.close();
	});
});

describe('devices', () => {
	it('that are signed out leave their room and say why', async () => {
		const here = await Person.open(browser, server.url);
		await here.signIn('candidate');
		await here.page.locator('.scenario').first().click();
		await here.page.getByRole('link', { name: 'With a tutor' }).click();
		await here.enter('Enter the room');

		const there = await Person.open(browser, server.url);
		await there.signIn('candidate');
		await there.page.getByRole('button', { name: /Your menu/ }).click();
		await there.page.getByRole('menuitem', { name: 'Devices' }).click();
		await there.page.getByText('This device').waitFor();
		await inspect(there.page, 'real-devices');
		await there.page.getByRole('button', { name: 'Sign all others out' }).click();
		await there.page.getByRole('button', { name: 'Sign them out' }).click();
		await there.page.getByText('You are signed in on this device only.').waitFor();

		await here.page.getByText('You are no longer in the room').waitFor();
		await here.page.getByText('This device was signed out from another one.').waitFor();
		await inspect(here.page, 'real-room-ended');
		await here.page.getByRole('button', { name: 'Sign in again' }).click();
		await here.page.waitForURL('**/sign-in*');
		await here.page.getByText('This device was signed out from another one.').waitFor();
		await here.signIn('candidate');
		await here.page.waitForURL('**/room/*');
		await here.connected();
		await here.close();
		await there.close();
	});
});

describe('an authenticator app', () => {
	it('is set up, asked for, and replaced by a recovery code', async () => {
		const [here, there] = [
			await Person.open(browser, server.url),
			await Person.open(browser, server.url)
		];
		const { page } = here;
		await here.signIn('tutor');
		await page.goto('/account/security');
		await page.getByRole('button', { name: 'Set it up' }).click();
		const secret = await page.locator('code').innerText();
		await page.getByLabel('Six-digit code').fill('000000');
		await page.getByRole('button', { name: 'Turn it on' }).click();
		await page.getByText('This code is not right.').waitFor();
		await page.getByLabel('Six-digit code').fill(totp(secret));
		await page.getByRole('button', { name: 'Turn it on' }).click();
		await page.getByText('Save these codes now').waitFor();
		const codes = await page.locator('.recovery li').allInnerTexts();
		expect(codes).toHaveLength(10);
		await inspect(page, 'real-recovery-codes');
		await page.getByRole('button', { name: 'I have saved them' }).click();
		await page.getByText('You have 10 recovery codes left.').waitFor();

		await there.firstStep('tutor');
		// The current code was used.
		await there.page.getByLabel('Six-digit code').fill(totp(secret, 1));
		await there.page.getByRole('button', { name: 'Go on' }).click();
		await there.page.waitForURL('**/tutor');
		await there.page.context().clearCookies();
		await there.firstStep('tutor');
		await there.page.getByRole('button', { name: 'Use a recovery code' }).click();
		await there.page.getByLabel('Recovery code').fill((codes[0] ?? '').toUpperCase());
		await there.page.getByRole('button', { name: 'Go on' }).click();
		await there.page.waitForURL('**/tutor');

		await page.reload();
		await page.getByText('You have 9 recovery codes left.').waitFor();
		await page.getByRole('button', { name: 'Turn it off' }).click();
		await page.getByRole('alertdialog').getByRole('button', { name: 'Turn it off' }).click();
		await page.getByRole('button', { name: 'Set it up' }).waitFor();
		await page.goto('/account/activity');
		await page.getByText('Way to sign in removed').waitFor();
		await inspect(page, 'real-activity');
		await here.close();
		await there.close();
	});
});

describe('a passkey', () => {
	it('is added, signs in alone, and is removed', async () => {
		const tess = await Person.open(browser, server.url);
		const { page } = tess;
		const devtools = await tess.context.newCDPSession(page);
		await devtools.send('WebAuthn.enable');
		await devtools.send('WebAuthn.addVirtualAuthenticator', {
			options: {
				protocol: 'ctap2',
				transport: 'internal',
				hasResidentKey: true,
				hasUserVerification: true,
				isUserVerified: true,
				automaticPresenceSimulation: true
			}
		});
		await tess.signIn('tutor');
		await page.goto('/account/security');
		await page.getByRole('button', { name: 'Add a passkey' }).click();
		await page.getByLabel('Name of the passkey').fill('The test’s own');
		await page.getByRole('button', { name: 'Go on' }).click();
		await page.getByText('The test’s own was added.').waitFor();

		await page.getByRole('button', { name: /Your menu/ }).click();
		await page.getByRole('menuitem', { name: 'Sign out' }).click();
		await page.waitForURL('**/sign-in');
		await page.getByRole('button', { name: 'Use a passkey' }).click();
		await page.waitForURL('**/tutor');

		await page.goto('/account/security');
		await page.getByText(/last used/).waitFor();
		await inspect(page, 'real-passkeys');
		await page.getByRole('button', { name: 'Remove The test’s own' }).click();
		await page.getByRole('button', { name: 'Remove it' }).click();
		await page.getByText('The test’s own was removed.').waitFor();
		await page.getByRole('button', { name: /Your menu/ }).click();
		await page.getByRole('menuitem', { name: 'Sign out' }).click();
		await page.getByRole('button', { name: 'Use a passkey' }).click();
		await page.getByRole('alert').waitFor();
		await inspect(page, 'real-passkey-unknown');
		await tess.close();
	});
});

describe('administrators', () => {
	it('change a role, which counts at once', async () => {
		const [admin, dana] = [
			await Person.open(browser, server.url),
			await Person.open(browser, server.url)
		];
		await dana.signIn('candidate');
		await admin.signIn('admin');
		await admin.page.getByRole('link', { name: 'Accounts' }).click();
		await admin.page.getByLabel('Name or address').fill('candidate@demo');
		await admin.page.getByText('candidate@demo.bedside').waitFor();
		await inspect(admin.page, 'real-admin');
		await admin.page.getByLabel('Role of Dana').click();
		await choose(admin.page, 'Tutor');
		await admin.page.getByRole('button', { name: 'Make them a tutor' }).click();
		await admin.page.getByText('is now a tutor.').waitFor();
		await dana.page.reload();
		await dana.page.getByRole('link', { name: 'Rooms' }).click();
		await dana.page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor();
		await admin.page.getByRole('button', { name: /Disable the account of Dana/ }).click();
		await admin.page.getByRole('button', { name: 'Disable it' }).click();
		await admin.page.getByText(/account of Dana.* is disabled/).waitFor();
		await dana.page.waitForURL('**/sign-in*'); // the page asks for the rooms every few seconds
		await admin.close();
		await dana.close();
	});

	it('invite somebody, sign them out and delete the account', async () => {
		const email = 'noor@example.org';
		const [admin, noor] = [
			await Person.open(browser, server.url),
			await Person.open(browser, server.url)
		];
		const press = (name: string | RegExp) =>
			admin.page.getByRole('button', { name, exact: true }).click();
		await admin.signIn('admin');
		await admin.page.getByRole('link', { name: 'Accounts' }).click();
		await press('Add an account');
		await admin.page.getByLabel('Name', { exact: true }).fill('Noor Haddad');
		await admin.page.getByLabel('E-mail').fill(email);
		await press('Invite them');
		await admin.page.getByText(`Noor Haddad was invited: a link goes to ${email}.`).waitFor();
		await admin.page.getByText('Invited', { exact: true }).waitFor();
		await inspect(admin.page, 'real-admin-invited');

		await noor.page.goto(await server.mailedLink(email, '/reset-password'));
		await noor.page.getByLabel('New password', { exact: true }).fill(PASSWORD);
		await noor.page.getByRole('button', { name: 'Set the new password' }).click();
		await noor.page.waitForURL('**/sign-in');
		await noor.signIn(email, PASSWORD);
		await noor.page.goto('/account/devices');
		await noor.page.getByText('This device', { exact: true }).waitFor();

		await admin.page.reload();
		await press(/^Sign out\s*: Noor Haddad$/);
		await press('Sign them out');
		await admin.page.getByText('Noor Haddad was signed out on one device.').waitFor();
		await noor.page.reload();
		await noor.page.waitForURL('**/sign-in*');
		await press('Delete the account of Noor Haddad');
		await press('Delete it for good');
		await admin.page.getByText('The account of Noor Haddad is deleted.').waitFor();
		await noor.firstStep(email, PASSWORD);
		await noor.page.getByRole('alert').waitFor();
		await admin.close();
		await noor.close();
	});
});
