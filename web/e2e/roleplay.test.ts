import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { inspect, NARROW } from './browser.ts';
import { Person, VOICE_DB } from './people.ts';
import { measure, Partner, type Server } from './server.ts';
import { useServer } from './setup.ts';
import { join, speak, type Take } from './speech.ts';

const CHECK = 'Hello, this is my microphone, and I am about to begin.';
const SAID =
	'Good morning. My name is Dana and I am one of the nurses here. ' +
	'I understand that you are worried about the injections. ' +
	'Could you tell me what troubles you most? ' +
	'Let me explain how it is done, and then we will try it together.';
const ANSWER =
	'Well, nurse, to be honest I am afraid of the needles. My father had to inject himself every day.';

// Every getUserMedia starts the microphone's file from its beginning. Its first words are for the
// sound check. In the room they are spoken during the preparation, which is not recorded, and the
// play begins in the silence after them. Then comes what is said in the play, and more silence
// than a test lasts.
const SILENCE_S = 20;
const MARGIN_S = 2;

let check: Take;
let said: Take;
let answer: Take;
const running = useServer((dir) => {
	check = speak(dir, 'check', CHECK, 'en-gb', 0.3, SILENCE_S);
	said = speak(dir, 'said', SAID, 'en-gb', 0, 300);
	answer = speak(dir, 'answer', ANSWER, 'en-us+f3', 1, 1);
	return join(dir, 'microphone', check, said);
});
let browser: Browser;
let server: Server;
beforeAll(() => void ({ browser, server } = running));

const checkEndsS = () => check.leadS + check.speechS;
const saidBeginsS = () => checkEndsS() + SILENCE_S;

/**
 * Leads a candidate from the list of role plays to the sound check, and returns the slug of the
 * role play.
 */
async function choose(
	{ page }: Person,
	look: (name: string) => Promise<void> = async () => undefined
): Promise<string> {
	await page.locator('.scenario').first().waitFor();
	await look('real-catalogue');
	await page.locator('.scenario').first().click();
	await page.getByRole('link', { name: 'With a tutor' }).waitFor();
	const slug = new URL(page.url()).pathname.replace('/scenarios/', '');
	await look('real-scenario');
	await page.getByRole('link', { name: 'With a tutor' }).click();
	await page.getByText('You come through clearly').waitFor();
	await look('real-green-room');
	return slug;
}

/** Finds a role play among all: by showing more, by a filter and by a search. */
async function find(page: Page): Promise<void> {
	await page.goto('/scenarios');
	const found = page.locator('.scenario');
	await found.first().waitFor();
	const first = await found.count();
	await page.getByRole('button', { name: 'Show more' }).click();
	await found.nth(first).waitFor();
	await page.getByRole('checkbox', { name: 'Nursing' }).press('Space');
	await page.waitForURL('**/scenarios?profession=nursing');
	await page.getByText('5 role plays', { exact: true }).waitFor();
	await page.getByRole('searchbox').fill('bus driver');
	await page.getByText('1 role play', { exact: true }).waitFor();
	expect(await found.textContent()).toContain('Starting insulin at home');
}

/** After the first role play: the home has counted it, and the catalogue says it was tried. */
async function seesProgress(
	page: Page,
	slug: string,
	look: (name: string) => Promise<void>
): Promise<void> {
	await page.goto('/');
	const progress = page.getByRole('region', { name: 'Your progress' });
	expect((await progress.locator('dd').first().textContent())?.trim()).toBe('1');
	await look('real-home-progress');
	await page.goto('/scenarios?tried=true');
	await page.locator('.scenario').first().waitFor();
	const tried = page.locator('.scenario');
	expect(await tried.count()).toBe(1);
	expect(await tried.textContent()).toContain('Played once');
	expect(await page.locator(`a[href="/scenarios/${slug}"]`).count()).toBeGreaterThan(0);
}

/**
 * Begins the play in the silence of the microphone file. If the machine is too slow for that, a
 * reload restarts the file.
 */
async function begin(candidate: Person, leastS: number): Promise<void> {
	while ((await candidate.spoken()) > saidBeginsS() - leastS) {
		await candidate.page.reload();
		await candidate.connected();
	}
	await candidate.speaksUntil(checkEndsS() + MARGIN_S);
	await candidate.page.getByRole('button', { name: 'Begin now' }).click();
	await candidate.page
		.getByText('The role play has begun. You speak first.')
		.waitFor({ state: 'attached' });
	expect(
		await candidate.spoken(),
		'the machine is too slow: speech began before the play'
	).toBeLessThan(saidBeginsS());
}

describe('a role play', () => {
	it('goes from signing in to the report', async () => {
		const candidate = await Person.open(browser, server.url);
		const { page } = candidate;
		const look = (name: string) => inspect(page, name);
		await page.goto('/');
		await page.waitForURL('**/sign-in*');
		await candidate.signIn('candidate');
		await find(page);
		const slug = await choose(candidate, look);
		const attempt = await candidate.enter('Enter the room');
		await page.getByText('Waiting for the patient.').waitFor();
		await look('real-room-preparing');

		const partner = new Partner(server.url, attempt, answer.file);
		await partner.printed('joined');
		await page.getByText('Waiting for the patient.').waitFor({ state: 'detached' });
		await begin(candidate, answer.speechS + 8);
		await candidate.hears('Theo Marsh');
		await partner.printed('spoken');
		await candidate.hearsNothing();
		await candidate.speaksUntil(saidBeginsS() + 1);
		await page.locator('.person.speaking', { hasText: '(you)' }).waitFor();
		await look('real-room-playing');
		await candidate.speaksUntil(saidBeginsS() + said.speechS + MARGIN_S);
		await candidate.hearsNothing();
		await candidate.finish();

		const shown = await candidate.report(attempt, 'speech_duration_s');
		const alone = (await measure(said.file)).speech_duration_s;
		expect(
			Math.abs(alone - said.speechS),
			`${alone} s are measured in a file with ${said.speechS} s`
		).toBeLessThan(0.05 * said.speechS);
		expect(Math.abs(shown - alone), `${shown} s are reported of ${alone} s`).toBeLessThan(
			0.05 * alone
		);
		expect(await partner.finished()).toMatch(/from candidate \d+ received, 0 lost/);

		await page.waitForFunction(
			() => !document.querySelector('figure button')?.hasAttribute('disabled')
		);
		await look('real-report');
		await page.getByRole('button', { name: 'Play', exact: true }).click();
		// The patient speaks first; the candidate is heard at one of their pauses.
		await page.waitForFunction(
			() =>
				window.pageAudio.recordings.length === 2 &&
				window.pageAudio.recordings.every((r) => r.element.currentTime > 1)
		);
		await page.locator('ol button').first().click();
		await page.waitForFunction(
			(floor) => window.pageAudio.recordings.every((r) => r.db > floor),
			VOICE_DB
		);
		await page.waitForFunction(
			() =>
				Number(document.querySelector('[role=slider]')?.getAttribute('aria-valuenow')) > 5
		);
		await page.getByRole('link', { name: 'All practice' }).click();
		await page.locator(`a[href="/attempts/${attempt}"]`).waitFor();
		await seesProgress(page, slug, look);
		await candidate.close();
	});

	it('on a phone waits for a partner who leaves, and can be finished without one', async () => {
		const candidate = await Person.open(browser, server.url);
		const { page } = candidate;
		await page.setViewportSize(NARROW);
		await candidate.signIn('candidate');
		await choose(candidate);
		const attempt = await candidate.enter('Enter the room');
		const first = new Partner(server.url, attempt, answer.file);
		await first.printed('joined');
		await page.getByText('Waiting for the patient.').waitFor({ state: 'detached' });

		await page.getByRole('tab', { name: 'Notes' }).click();
		await page.getByRole('textbox', { name: 'Notes' }).fill('Needles: how small?');
		await page.getByRole('button', { name: 'Begin now' }).click();
		await page.getByRole('tabpanel', { name: 'Card' }).waitFor();
		await page.waitForFunction(() => document.activeElement?.tagName === 'H2');
		await first.printed('speaking');

		await first.leave();
		await page.getByText('Your partner has left the room.').waitFor();
		await inspect(page, 'real-room-partner-left');
		await page.setViewportSize(NARROW);
		const stopped = await candidate.clock();
		await page.getByRole('button', { name: 'Wait for them' }).click();
		await page.getByText('We wait for 4:').waitFor(); // a second or more has passed
		expect(await candidate.clock()).toBe(stopped);

		const second = new Partner(server.url, attempt, answer.file);
		await page.getByText('Your partner has left the room.').waitFor({ state: 'detached' });
		await page.waitForFunction(
			(s) => !document.querySelector('[role=timer]')?.textContent?.trim().endsWith(s),
			String(stopped % 60).padStart(2, '0')
		);
		await page.getByRole('tab', { name: 'People' }).click();
		await page.getByText('Plays the patient').waitFor();
		await page.getByRole('tab', { name: 'Notes' }).click();
		const notes = page.getByRole('textbox', { name: 'Notes' });
		expect(await notes.inputValue()).toContain('Needles');

		await second.leave();
		await page.getByRole('button', { name: 'Finish now' }).click();
		await page.getByRole('alertdialog').getByRole('button', { name: 'Finish' }).click();
		await page.waitForURL(`**/attempts/${attempt}`);
		const interruptions = page.getByRole('list', { name: 'Interruptions' });
		await interruptions.getByText(/^You: clock stopped$/).first().waitFor();
		await inspect(page, 'real-report-partner-left');
		await page.getByRole('link', { name: 'Play it again' }).click();
		await page.waitForURL('**/room/*'); // without another sound check
		await page.getByText('Waiting for the patient.').waitFor();
		await candidate.close();
	});

	it('with a tutor survives reloads, a killed server and a restart', async () => {
		const candidate = await Person.open(browser, server.url);
		await candidate.signIn('candidate');
		await choose(candidate);
		const attempt = await candidate.enter('Enter the room');

		const tutor = await Person.open(browser, server.url);
		await tutor.signIn('tutor');
		await tutor.page.waitForURL('**/tutor');
		const invitation = tutor.page.locator(`a[href*="${attempt}"]`, {
			hasText: 'Play the patient'
		});
		await invitation.waitFor();
		await inspect(tutor.page, 'real-tutor');
		await invitation.click();
		await tutor.enter('Join as the patient');
		await candidate.page.getByText('Plays the patient').waitFor();
		await tutor.page.getByText('Only if').waitFor(); // a heading of the patient's card
		await inspect(tutor.page, 'real-room-patient');

		// Both microphones play the same file, and a reload restarts it.
		await candidate.page.getByRole('button', { name: 'Begin now' }).click();
		await tutor.page.getByText('The role play has begun.').waitFor({ state: 'attached' });
		await tutor.page.reload();
		await tutor.connected();
		await candidate.hears('Theo Marsh');
		await candidate.page.getByText('Plays the patient').waitFor();

		const before = await candidate.clock();
		await candidate.page.reload();
		await candidate.connected();
		await candidate.page.getByRole('button', { name: 'Finish' }).waitFor(); // the play goes on
		await tutor.hears('Dana Kovač');
		await tutor.page
			.locator('.person', { hasText: 'Candidate' })
			.and(tutor.page.locator(':not(.away)'))
			.waitFor();
		await expect.poll(() => tutor.page.locator('.person').count()).toBe(2);
		const after = await candidate.clock();
		expect(after).toBeLessThanOrEqual(before);
		await candidate.page.waitForFunction(
			(s) => !document.querySelector('[role=timer]')?.textContent?.endsWith(s),
			String(after % 60).padStart(2, '0')
		);

		await server.kill();
		for (const { page } of [candidate, tutor])
			await page.getByText('Connection lost. Trying again…').waitFor();
		await inspect(candidate.page, 'real-room-reconnecting');
		await server.start();
		for (const person of [candidate, tutor]) {
			await person.page
				.getByText('Connection lost. Trying again…')
				.waitFor({ state: 'detached' });
			await person.connected();
			await expect
				.poll(() => person.page.locator('.person').count(), { timeout: 30_000 })
				.toBe(2); // the other may still be reconnecting
		}

		const left = await candidate.clock();
		await server.stop();
		for (const { page } of [candidate, tutor])
			await page.getByText('The server is being restarted.').waitFor();
		await inspect(candidate.page, 'real-room-restarting');
		await server.start();
		for (const person of [candidate, tutor]) {
			await person.page
				.getByText('The server is being restarted.')
				.waitFor({ state: 'detached' });
			await person.connected();
		}
		await tutor.hears('Dana Kovač');
		// The restart takes no play time.
		expect(await candidate.clock()).toBeGreaterThan(left - 20);
		await candidate.finish();
		expect(await candidate.report(attempt, 'speech_duration_s')).toBeGreaterThan(1);
		const interruptions = candidate.page.getByRole('list', { name: 'Interruptions' });
		for (const words of [
			/^You: server restarted$/,
			/^You: connection lost$/, // of the reload
			/^Theo Marsh.*: server restarted$/
		])
			await interruptions.getByText(words).first().waitFor();
		await inspect(candidate.page, 'real-report-interrupted');
		await tutor.report(attempt, 'speech_duration_s');
		await candidate.close({ serverWasAway: true });
		await tutor.close({ serverWasAway: true });
	});
});
