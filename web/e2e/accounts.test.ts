import { rmSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspect, launch } from './browser.ts';
import { Person } from './people.ts';
import { Server } from './server.ts';
import { folder, speak } from './speech.ts';

let dir: string;
let browser: Browser;
let server: Server;

beforeAll(async () => {
	dir = folder();
	browser = await launch(speak(dir, 'check', 'Hello, this is my microphone, and I am about to begin.', 'en-gb', 0.3, 60).file);
	server = new Server();
	await server.start();
}, 120_000);
afterAll(async () => {
	await browser?.close();
	await server?.close();
	rmSync(dir, { recursive: true, force: true });
});

const PASSWORD = 'seven green lanterns';

describe('an account', () => {
	const email = 'ama.boateng@example.org';

	it('is made, confirmed by the mailed link, and leads into a first role play', async () => {
		const ama = await Person.arrive(browser, server.url);
		const { page } = ama;
		await page.goto('/');
		await page.getByRole('link', { name: 'Create an account' }).click();
		await page.getByLabel('Your name').fill('Ama Boateng');
		await page.getByLabel('E-mail').fill(email);
		await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
		await page.getByRole('button', { name: 'Create my account' }).click();
		await page.getByRole('heading', { name: 'Look at your mail' }).waitFor();
		await inspect(page, 'real-registered');

		await page.goto(await server.letter(email, '/verify-email'));
		await page.getByRole('button', { name: 'Confirm my address' }).click();
		await page.getByText(`${email} is yours.`).waitFor();
		expect(page.url(), 'the token stays in the address').not.toContain('token');
		await page.getByRole('button', { name: 'Sign in' }).click();
		expect(await page.getByLabel('E-mail').inputValue()).toBe(email);
		await ama.signIn(email, PASSWORD);

		await page.getByRole('heading', { name: /Hello, Ama/ }).waitFor();
		await page.locator('.scenario').first().click();
		await page.getByRole('link', { name: 'Check your sound' }).click();
		await ama.enter('Enter the room');
		await page.getByText('Waiting for the patient.').waitFor();
		await ama.close();
	});

	it('gets a new password by the mailed link, which works once and signs every device out', async () => {
		const [here, there] = [await Person.arrive(browser, server.url), await Person.arrive(browser, server.url)];
		await there.signIn(email, PASSWORD);

		const { page } = here;
		await page.goto('/sign-in');
		await page.getByRole('link', { name: 'Forgotten your password?' }).click();
		await page.getByLabel('E-mail').fill(email);
		await page.getByRole('button', { name: 'Send me the link' }).click();
		await page.getByRole('heading', { name: 'Look at your mail' }).waitFor();
		const link = await server.letter(email, '/reset-password');
		await page.goto(link);
		await page.getByLabel('New password', { exact: true }).fill('password');
		await page.getByRole('button', { name: 'Set the new password' }).click();
		await page.getByText('This password is among the first that anybody would try.').waitFor();
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
});
