import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import type { Browser } from 'playwright-core';
import { Person } from './people.ts';
import type { Server } from './server.ts';
import { useServer } from './setup.ts';
import { speak } from './speech.ts';

const running = useServer((dir) => speak(dir, 'line', 'Good morning.', 'en-gb', 0.3, 1).file);
let browser: Browser;
let server: Server;
beforeAll(() => void ({ browser, server } = running));

const DRAWN = new URL('../../store/scenario/content/pictures/', import.meta.url).pathname;

it('a tutor uploads a portrait, a picture and a line', async () => {
	const tutor = await Person.open(browser, server.url);
	await tutor.signIn('tutor');
	const { page } = tutor;
	const jpeg = {
		name: 'lamp.jpg',
		mimeType: 'image/jpeg',
		buffer: readFileSync(`${DRAWN}dentistry-decay-in-small-teeth.jpg`)
	};
	await page.goto('/account');
	await page.getByTestId('upload-avatar').setInputFiles(jpeg);
	await page.getByText('The picture is uploaded.').waitFor();
	const width = () =>
		page.locator('header img').evaluate((img: HTMLImageElement) => img.naturalWidth);
	await expect.poll(width).toBe(96);

	await page.goto('/media');
	await page.getByTestId('upload-scenario').setInputFiles(jpeg);
	await page.getByLabel('What the picture shows').fill('A lamp beside a bottle');
	await page.getByRole('button', { name: 'Upload this picture' }).click();
	await page.getByRole('heading', { name: 'A lamp beside a bottle' }).waitFor();

	await page.getByRole('radio', { name: 'A recorded line' }).click();
	await page.getByTestId('upload-line').setInputFiles({
		name: 'line.wav',
		mimeType: 'audio/wav',
		buffer: readFileSync(`${running.dir}/line.wav`)
	});
	await page.getByLabel('What the line says').fill('Good morning.');
	await page.getByRole('button', { name: 'Upload this sound' }).click();
	await page.getByRole('heading', { name: 'Good morning.' }).waitFor();
	await page.getByText(/-23 LUFS/).waitFor();
	await tutor.close();
});
