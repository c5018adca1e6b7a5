// Takes the screenshots of the README: a role play between two synthetic voices, on a real server.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { launch } from './browser.ts';
import { Person } from './people.ts';
import { Partner, Server } from './server.ts';
import { folder, join, speak, type Take } from './speech.ts';

const TO = new URL('./readme/', import.meta.url).pathname;
const SIZE = { width: 1280, height: 860 };
const MOST_BYTES = 200_000;
const LEAD_S = 14; // time to enter the room and begin

const TALK: [nurse: string, patient: string][] = [
	[
		'Good morning, Mr Hale. My name is Dana, I am one of the nurses here. How have you been since we last spoke?',
		'Not well, to tell you the truth. I have hardly slept since the doctor said insulin.'
	],
	[
		'I am sorry to hear that. Could you tell me what worries you most about it?',
		'The needles. My father had to inject himself every single day, and in the end it did not help him.'
	],
	[
		'That must have been hard to watch. And now you are afraid that it will be the same for you.',
		'Yes. And that I did something wrong.'
	],
	[
		'You did nothing wrong. May I explain two things? First, why the tablets are no longer enough, and second, how small these needles are.',
		'All right. Go on, then.'
	],
	[
		'Thank you. Over the years the body simply makes less insulin of its own. So what we do is give back what is missing, once a day, with a pen like this.',
		'And that is all? Once a day?'
	],
	[
		'Once a day, in the evening. Before we go on, could you tell me in your own words what we have said so far?',
		'Well. One small needle in the evening, because my body makes too little.'
	]
];

/**
 * Writes both sides of a conversation as files of the same length; each is silent while the other
 * speaks.
 */
function converse(dir: string): { nurse: string; patient: string } {
	const nurse: Take[] = [];
	const patient: Take[] = [];
	const take = (turn: string, text: string, voice: string, gapS: number) => {
		const said = speak(dir, turn, text, voice, gapS, 0);
		const silent = { ...said, file: `${dir}/${turn}-silent.wav` };
		execFileSync('sox', [said.file, silent.file, 'vol', '0']);
		return { said, silent };
	};
	TALK.forEach(([question, answer], i) => {
		const asked = take(`nurse-${i}`, question, 'en-gb+f2', 0.6);
		const answered = take(`patient-${i}`, answer, 'en-gb+m3', 0.4 + 0.25 * (i % 3));
		nurse.push(asked.said, answered.silent);
		patient.push(asked.silent, answered.said);
	});
	const end = speak(dir, 'end', 'That is exactly right.', 'en-gb+f2', 0.7, 300);
	const lead: Take = { file: `${dir}/lead.wav`, leadS: LEAD_S, speechS: 0 };
	execFileSync('sox', [
		'-n',
		'-r',
		'48000',
		'-c',
		'1',
		'-b',
		'16',
		lead.file,
		'trim',
		'0',
		String(LEAD_S)
	]);
	return {
		nurse: join(dir, 'nurse', lead, ...nurse, end),
		patient: join(dir, 'patient', ...patient)
	};
}

async function shoot(page: Page, name: string): Promise<void> {
	mkdirSync(TO, { recursive: true });
	const path = `${TO}${name}.png`;
	await page.screenshot({ path, animations: 'disabled' });
	expect(statSync(path).size, `${name}.png is too large for a README`).toBeLessThan(MOST_BYTES);
}

it('takes the pictures', { timeout: 300_000 }, async () => {
	const dir = folder();
	const { nurse, patient } = converse(dir);
	const browser = await launch(nurse);
	const server = new Server();
	try {
		await server.start();
		const candidate = await Person.open(browser, server.url);
		const { page } = candidate;
		await page.setViewportSize(SIZE);
		await candidate.signIn('candidate');
		await page.goto('/green-room?scenario=nursing-insulin-at-home');
		await page.getByRole('checkbox').check();
		await page.getByRole('button', { name: 'Enter the room' }).click();
		await page.waitForURL('**/room/*');
		await candidate.connected();
		const attempt = new URL(page.url()).pathname.split('/').at(-1) ?? '';
		const partner = new Partner(server.url, attempt, patient);
		await partner.printed('joined');
		await page
			.getByRole('textbox', { name: 'Notes' })
			.fill(
				'Ask first: what does he fear?\nNeedle 4 mm, pen, once a day\nTeach back before the leaflet'
			);
		await page.reload(); // restarts the microphone's file
		await candidate.connected();
		// Starts both files together: the patient's with the play, the nurse's after its lead.
		await candidate.speaksUntil(LEAD_S - 0.3);
		await page.getByRole('button', { name: 'Begin now' }).click();
		await partner.printed('speaking');
		await page.locator('.person.other.speaking').waitFor();
		await page.mouse.move(640, 700);
		await candidate.connected();
		await candidate.speaksUntil(LEAD_S + 24);
		await page.locator('.person.other.speaking').waitFor();
		await shoot(page, 'room');
		await partner.printed('spoken');
		await candidate.speaksUntil((await candidate.spoken()) + 4);
		await candidate.finish();
		await candidate.report(attempt, 'speech_duration_s');
		await page.waitForFunction(
			() => !document.querySelector('figure button')?.hasAttribute('disabled')
		);
		await page
			.getByRole('slider', { name: 'Position in the recording' })
			.click({ position: { x: 420, y: 60 } });
		await page.mouse.move(4, 4);
		await page.setViewportSize({ ...SIZE, height: 1020 });
		await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
		await page.evaluate(() => scrollTo(0, 0));
		await shoot(page, 'report');
		await candidate.close();
	} finally {
		await browser.close();
		await server.close();
		rmSync(dir, { recursive: true, force: true });
	}
});
