import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { fits, inspect, NARROW, WIDE } from './browser.ts';
import { Person } from './people.ts';
import type { Server } from './server.ts';
import { useServer } from './setup.ts';
import { speak } from './speech.ts';

const running = useServer((dir) => speak(dir, 'quiet', 'Good morning.', 'en-gb', 0.3, 1).file);
let browser: Browser;
let server: Server;
beforeAll(() => void ({ browser, server } = running));

const DRAWN = new URL('../../store/scenario/content/pictures/', import.meta.url).pathname;

const button = (page: Page, name: string | RegExp) =>
	page.getByRole('button', { name, exact: true });
const yaml = (page: Page) =>
	page.getByLabel('YAML', { exact: true }).and(page.locator('textarea'));
const title = (page: Page) =>
	page.getByRole('form', { name: 'Scenario' }).getByLabel('Title', { exact: true });
const clean = (page: Page) => page.getByText('Nothing to change.').waitFor();

async function save(page: Page, version: number): Promise<void> {
	await button(page, 'Save').click();
	await button(page, 'Save the version').click();
	if (version) await page.getByText(`Saved as version ${version}.`).waitFor();
}

it('two tutors edit a scenario at once, and one publishes it', async () => {
	const tutor = await Person.open(browser, server.url);
	await tutor.signIn('tutor');
	const { page } = tutor;
	await page.goto('/library');
	await page.getByRole('link', { name: 'Starting insulin at home' }).waitFor();
	await inspect(page, 'library-real');
	await page.getByRole('link', { name: 'Starting insulin at home' }).click();
	await clean(page);
	const address = page.url();

	// A mistake is shown, and mended where it is.
	const text = await yaml(page).inputValue();
	await yaml(page).fill(text.replace('difficulty: 2', 'difficulty: 7'));
	await page.getByText('1 error', { exact: true }).waitFor();
	expect(await button(page, 'Publish').isDisabled()).toBe(true);
	await inspect(page, 'library-real-error');
	await page.getByRole('button', { name: /line \d+/ }).click();
	await page.keyboard.type('3');
	await clean(page);

	await page.getByTestId('upload-scenario').setInputFiles({
		name: 'lamp.jpg',
		mimeType: 'image/jpeg',
		buffer: readFileSync(`${DRAWN}dentistry-decay-in-small-teeth.jpg`)
	});
	await page.getByLabel('What the picture shows').fill('A lamp beside a bottle');
	await button(page, 'Upload this picture').click();
	await page.getByText('The picture is uploaded.').waitFor();
	const shown = page.getByRole('img', { name: 'A lamp beside a bottle' });
	await expect
		.poll(() => shown.evaluate((img: HTMLImageElement) => img.naturalWidth))
		.toBeGreaterThan(0);

	// The second tutor saves first, on a phone.
	const other = await Person.open(browser, server.url);
	await other.page.setViewportSize(NARROW);
	await other.signIn('tutor');
	await other.page.goto(address);
	await clean(other.page);
	await title(other.page).fill('Theirs');
	await save(other.page, 2);
	await fits(other.page, 'saved on a phone');
	await other.close();

	await title(page).fill('Mine');
	const refused = page.waitForResponse((answer) => answer.status() === 412);
	await save(page, 0);
	await refused;
	await page.getByRole('heading', { name: 'Somebody else has saved this scenario' }).waitFor();
	await page.locator('.diff del', { hasText: 'title: Theirs' }).waitFor();
	await page.locator('.diff ins', { hasText: 'title: Mine' }).waitFor();
	await inspect(page, 'library-real-conflict');
	await button(page, 'Go on with my text').click();
	await save(page, 3);
	await button(page, 'Publish').click();
	await page.getByText('Published: candidates get version 3').waitFor();
	const candidates = await fetch(`${server.url}/api/scenarios/nursing-insulin-at-home`);
	expect(await candidates.json()).toMatchObject({
		title: 'Mine',
		difficulty: 3,
		picture: { alt: 'A lamp beside a bottle' }
	});

	await page.getByRole('link', { name: 'History' }).click();
	await page.getByRole('heading', { name: 'From version 2 to version 3' }).waitFor();
	await page.getByText('Theo Marsh').first().waitFor();
	await page.locator('.diff ins', { hasText: 'difficulty: 3' }).waitFor();
	await inspect(page, 'library-real-history');
	await page.setViewportSize(WIDE);
	await tutor.close();
});
