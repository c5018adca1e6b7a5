import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { inspect } from './browser.ts';
import { Person } from './people.ts';
import type { Server } from './server.ts';
import { useServer } from './setup.ts';
import { speak } from './speech.ts';

const SAID =
	'Good morning. My name is Dana and I am one of the nurses here. Could you tell me what ' +
	'troubles you most? Let me explain how it is done, and then we will try it together.';

// Every getUserMedia starts the microphone's file from its beginning.
const running = useServer((dir) => speak(dir, 'said', SAID, 'en-gb', 0.3, 300).file);
let browser: Browser;
let server: Server;
beforeAll(() => void ({ browser, server } = running));

const attemptOf = ({ page }: Person) => new URL(page.url()).pathname.split('/').at(-1) ?? '';

/** Begins the play of the room that both are in, and finishes it once something was said. */
async function play(candidate: Person, tutor: Person): Promise<void> {
	await candidate.connected();
	await tutor.connected();
	await candidate.page.getByText('Plays the patient').waitFor();
	await candidate.page.getByRole('list').getByText(/\w{4}/).first().waitFor(); // the tasks
	// A reload starts the microphone's file again, and the preparation goes on.
	await candidate.page.getByRole('button', { name: 'Begin now' }).click();
	await candidate.page.getByRole('button', { name: 'Finish' }).waitFor();
	await candidate.page.reload();
	await candidate.connected();
	await candidate.speaksUntil(5);
	await candidate.finish();
}

describe('a mock exam', () => {
	it('goes from the start to one result, and the partner follows', async () => {
		const candidate = await Person.open(browser, server.url);
		const { page } = candidate;
		await candidate.signIn('candidate');
		await page.goto('/exam');
		await page.getByText('You come through clearly').waitFor();
		await page.getByRole('checkbox', { name: /I agree that my voice/ }).check();
		await page.getByRole('button', { name: 'Start the mock exam' }).click();
		await page.waitForURL('**/exams/*');
		await page.getByText('Question 1 of 6').waitFor();
		const exam = new URL(page.url()).pathname;
		await page.getByRole('button', { name: 'Begin the first role play' }).click();
		await page.waitForURL('**/room/*');
		const first = attemptOf(candidate);

		const tutor = await Person.open(browser, server.url);
		await tutor.signIn('tutor');
		await tutor.page.goto(`/room/${first}?as=patient`);
		await play(candidate, tutor);
		await page.waitForURL(`**${exam}`);
		await page.getByRole('timer', { name: 'Time left of the break' }).waitFor();
		await tutor.page.getByText('The second role play begins within a minute.').waitFor();
		await inspect(page, 'real-exam-break');

		await page.goto('/exam'); // a candidate who returns is offered the exam
		await page.getByText('Your mock exam is between the two role plays.').waitFor();
		await page.getByRole('link', { name: 'Go on with it' }).click();
		await page.getByRole('button', { name: 'Begin the second role play' }).click();
		await page.waitForURL('**/room/*');
		const second = attemptOf(candidate);
		expect(second).not.toBe(first);
		await tutor.page.getByRole('link', { name: 'Join the second role play' }).click();
		await tutor.page.waitForURL(`**/room/${second}?as=patient`);
		await play(candidate, tutor);

		await page.waitForURL(`**${exam}`);
		await page.getByRole('heading', { name: 'Measures' }).waitFor();
		await inspect(page, 'real-exam-result');
		const spoken = page.locator('[data-measure=speech_duration_s] td');
		const [one = 0, two = 0, both = 0] = (await spoken.allInnerTexts()).map(Number);
		expect(Math.min(one, two)).toBeGreaterThan(1);
		expect(Math.abs(both - one - two)).toBeLessThan(0.2);
		await page.getByRole('link', { name: 'Listen back, and full report' }).first().click();
		await page.waitForURL(`**/attempts/${first}`);
		await page.getByRole('link', { name: 'The whole mock exam' }).waitFor();
		expect(await page.getByRole('link', { name: /Play it again/ }).count()).toBe(0);
		await candidate.close();
		await tutor.close();
	});
});
