// Takes the screenshots of the README: a role play between two synthetic voices, on a real server.
import { mkdirSync, rmSync, statSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { launch } from './browser.ts';
import { Person } from './people.ts';
import { Partner, Server } from './server.ts';
import { converse } from './conversation.ts';
import { folder } from './speech.ts';

const TO = new URL('./readme/', import.meta.url).pathname;
const SIZE = { width: 1280, height: 860 };
const MOST_BYTES = 200_000;
const LEAD_S = 14; // time to enter the room and begin

async function shoot(page: Page, name: string): Promise<void> {
	mkdirSync(TO, { recursive: true });
	const path = `${TO}${name}.png`;
	await page.screenshot({ path, animations: 'disabled' });
	expect(statSync(path).size, `${name}.png is too large for a README`).toBeLessThan(MOST_BYTES);
}

it('takes the pictures', { timeout: 300_000 }, async () => {
	const dir = folder();
	const { nurse, patient } = converse(dir, LEAD_S, 300);
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
