import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inspect, launch, open, WIDE } from './browser.ts';
import { Partner, Server } from './server.ts';
import { folder, speak, type Take } from './speech.ts';

// Every getUserMedia starts the file anew. So it has two parts: what is said for the sound check, which in the room falls into the
// preparation and is not recorded, and after a long silence, in which the play is begun, what is said in it.
const CHECK = 'Hello, hello. This is a test of my microphone before we begin. Can you hear me well?';
const SAID =
	'Good morning. My name is Dana and I am one of the nurses here. I understand that you are worried about the injections. ' +
	'Could you tell me what troubles you most? Let me explain how it is done, and then we will try it together.';
const SILENCE = 20;

let dir: string;
let said: Take;
let patient: Take;
let browser: Browser;
let server: Server;
let context: BrowserContext;
let page: Page;
let problems: string[];

beforeAll(async () => {
	dir = folder();
	const check = speak(dir, 'check', CHECK, 'en-gb', 0.3, SILENCE);
	said = speak(dir, 'said', SAID, 'en-gb', 0, 120);
	patient = speak(dir, 'patient', 'Well, nurse, to be honest I am afraid of the needles. My father had to inject himself every day, and I do not want to end like him.', 'en-us+f3', 1, 0);
	const microphone = join(dir, 'microphone.wav');
	execFileSync('sox', [check.file, said.file, microphone]);
	browser = await launch(microphone);
	server = new Server();
	await server.start();
});
afterAll(async () => {
	await browser?.close();
	await server?.close();
	rmSync(dir, { recursive: true, force: true });
});

beforeEach(async () => {
	({ context, page, problems } = await person());
});
afterEach(async () => {
	await context.close();
	expect(problems).toEqual([]);
});

/** Somebody with a browser profile of their own. */
async function person(): Promise<{ context: BrowserContext; page: Page; problems: string[] }> {
	const context = await browser.newContext({ baseURL: server.url, viewport: WIDE, reducedMotion: 'reduce', permissions: ['microphone'] });
	context.setDefaultTimeout(45_000);
	return { context, ...(await open(context)) };
}

async function signIn(page: Page, who: string): Promise<void> {
	await page.goto('/sign-in');
	await page.getByLabel('E-mail').fill(`${who}@demo.bedside`);
	await page.getByLabel('Password').fill('bedside-demo');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
}

/** Leads a candidate from the list to the room and gives the attempt's id. */
async function enter(page: Page, look: (name: string) => Promise<void> = async () => {}): Promise<string> {
	await page.locator('a.scenario').first().waitFor();
	await look('real-home');
	await page.locator('a.scenario').first().click();
	await page.getByRole('link', { name: 'Check your sound' }).waitFor();
	await look('real-scenario');
	await page.getByRole('link', { name: 'Check your sound' }).click();
	await page.getByText('You come through clearly').waitFor();
	await look('real-green-room');
	await page.getByRole('checkbox').check();
	await page.getByRole('button', { name: 'Enter the room' }).click();
	await page.waitForURL('**/room/*');
	await connected(page);
	return new URL(page.url()).pathname.split('/').at(-1) ?? '';
}

const connected = (page: Page) => page.getByText('Connected', { exact: true }).or(page.getByText('Good connection')).first().waitFor();

/** Waits until the room has heard this participant's check, and that it is over. */
async function quiet(page: Page): Promise<void> {
	await page.getByText('speaking', { exact: true }).first().waitFor();
	await page.evaluate(
		() =>
			new Promise<void>((resolve) => {
				let last = performance.now();
				const timer = setInterval(() => {
					const now = performance.now();
					if ([...document.querySelectorAll('aside li')].some((li) => li.textContent?.includes('speaking'))) last = now;
					if (now - last > 2000) {
						clearInterval(timer);
						resolve();
					}
				}, 50);
			})
	);
}

/** Measures what the page plays of the others until it is loud enough, and gives the level in dB below full scale. */
function heard(page: Page, floor: number): Promise<number> {
	return page.evaluate(
		async (floor) => {
			const audio = await new Promise<AudioContext>((resolve) => resolve(new AudioContext({ sampleRate: 48_000 })));
			const analysers = new Map<MediaStream, AnalyserNode>();
			const samples = new Float32Array(4800);
			for (;;) {
				for (const element of document.querySelectorAll('audio')) {
					const stream = element.srcObject;
					if (!(stream instanceof MediaStream) || element.paused || element.muted) continue;
					let analyser = analysers.get(stream);
					if (!analyser) {
						analyser = new AnalyserNode(audio, { fftSize: 8192 });
						audio.createMediaStreamSource(stream).connect(analyser);
						analysers.set(stream, analyser);
					}
					analyser.getFloatTimeDomainData(samples);
					const level = 10 * Math.log10(samples.reduce((sum, x) => sum + x * x, 0) / samples.length + 1e-12);
					if (level > floor) return level;
				}
				await new Promise((later) => setTimeout(later, 50));
			}
		},
		floor
	);
}

async function finish(page: Page): Promise<void> {
	await page.getByRole('button', { name: 'Finish' }).click();
	await page.getByRole('alertdialog').getByRole('button', { name: 'Finish' }).click();
}

/** The speech duration as the report's page shows it, in seconds. */
async function duration(page: Page): Promise<number> {
	return parseFloat(await page.locator('[data-headline=speech_duration_s] dd').innerText());
}

describe('a role play', () => {
	it('from signing in to the report, with a patient', async () => {
		const look = (name: string) => inspect(page, name);
		await page.goto('/');
		await page.waitForURL('**/sign-in*');
		await signIn(page, 'candidate');
		const attempt = await enter(page, look);
		const partner = new Partner(server.url, attempt, patient.file);
		await partner.says('joined');
		await page.getByText('Waiting for the patient.').waitFor({ state: 'detached' });
		await quiet(page);
		await page.getByRole('button', { name: 'Begin now' }).click();
		await page.getByText('The role play has begun. You speak first.').waitFor({ state: 'attached' });

		expect(await heard(page, -40)).toBeGreaterThan(-40);
		await page.locator('aside li', { hasText: 'Plays the patient' }).getByText('speaking', { exact: true }).waitFor();
		await look('real-room');
		await partner.says('spoken');
		// What is said last is the candidate's.
		const own = page.locator('aside li', { hasText: '(you)' }).getByText('speaking', { exact: true });
		await own.waitFor();
		await quiet(page);
		await finish(page);

		await page.waitForURL(`**/attempts/${attempt}`);
		await page.getByRole('heading', { name: 'Measures' }).waitFor();
		const measured = await duration(page);
		expect(Math.abs(measured - said.speechS), `${measured} s measured of ${said.speechS} s`).toBeLessThan(0.05 * said.speechS);
		await page.waitForFunction(() => !document.querySelector('figure button')?.hasAttribute('disabled'));
		await look('real-report');
		await page.getByRole('button', { name: 'Play', exact: true }).click();
		await page.waitForFunction(() => Number(document.querySelector('[role=slider]')?.getAttribute('aria-valuenow')) >= 1);
		expect(await partner.done()).toMatch(/from candidate \d+ received, 0 lost/);

		await page.goto('/');
		await page.locator(`a[href="/attempts/${attempt}"]`).first().waitFor();
	});

	it('with a tutor in another browser, a reload and a server that is killed', async () => {
		const tutor = await person();
		try {
			await signIn(page, 'candidate');
			const attempt = await enter(page);
			await signIn(tutor.page, 'tutor');
			await tutor.page.goto('/tutor');
			await tutor.page.getByRole('link', { name: /Play the patient/ }).first().waitFor();
			await inspect(tutor.page, 'real-tutor');
			await tutor.page.locator(`a[href*="${attempt}"]`, { hasText: 'Play the patient' }).click();
			await tutor.page.getByRole('checkbox').check();
			await tutor.page.getByText('You come through clearly').waitFor();
			await tutor.page.getByRole('button', { name: 'Enter the room' }).click();
			await tutor.page.waitForURL('**/room/*');
			await connected(tutor.page);
			await page.getByRole('button', { name: 'Begin now' }).click();
			const finishes = page.getByRole('button', { name: 'Finish' });
			await finishes.waitFor();
			expect(await heard(tutor.page, -45)).toBeGreaterThan(-45);
			expect(await heard(page, -45)).toBeGreaterThan(-45);
			await inspect(tutor.page, 'real-room-patient');

			page.once('dialog', (dialog) => void dialog.accept());
			await page.reload();
			await connected(page);
			await finishes.waitFor();
			expect(await heard(page, -45)).toBeGreaterThan(-45);

			await server.kill();
			await page.getByText('Connection lost. Trying again…').waitFor();
			await inspect(page, 'real-room-reconnecting');
			await server.start();
			await page.getByText('Connection lost. Trying again…').waitFor({ state: 'detached' });
			await connected(page);
			await connected(tutor.page);
			await finish(page);
			await page.waitForURL(`**/attempts/${attempt}`);
			await page.getByRole('heading', { name: 'Measures' }).waitFor();
			expect(await duration(page)).toBeGreaterThan(1);
		} finally {
			await tutor.context.close();
			problems.length = 0; // the refused requests while the server was away
		}
	});
});
