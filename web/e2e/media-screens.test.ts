import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { inspect } from './browser.ts';
import * as fixtures from './fixtures.ts';
import { useMock } from './setup.ts';

const screens = useMock('Good morning.', { lead: 0, tail: 1 }, {
	permissions: ['clipboard-read', 'clipboard-write']
});
let server: typeof screens.server;
let page: Page;
beforeEach(() => void ({ page, server } = screens));

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });

/** A PNG file of one pixel. */
const pixel = {
	name: 'kitchen.png',
	mimeType: 'image/png',
	buffer: Buffer.from(
		'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
		'base64'
	)
};

describe('the portrait', () => {
	it('is uploaded, shown in the header and removed', async () => {
		await page.goto('/account');
		await page.getByRole('heading', { name: 'Your portrait' }).waitFor();
		await inspect(page, 'portrait');
		const avatar_url = '/api/media/m9?expires=1&signature=x';
		server.answers.set('GET /api/users/profile', {
			status: 200,
			body: { ...fixtures.candidate, avatar: 'm9', avatar_url }
		});
		await page.getByTestId('upload-avatar').setInputFiles(pixel);
		await page.getByText('The picture is uploaded.').waitFor();
		await page.locator('header img').waitFor();
		await inspect(page, 'portrait-uploaded');
		expect(String(server.sent.get('POST /api/protected/media/upload'))).toContain('avatar');
		server.answers.delete('GET /api/users/profile');
		await button('Remove the portrait').click();
		await page.locator('header img').waitFor({ state: 'detached' });
		expect(server.sent.has('DELETE /api/media/m9')).toBe(true);
	});

	it('says why a file is refused, and can be cancelled', async () => {
		await page.goto('/account');
		const input = page.getByTestId('upload-avatar');
		await input.setInputFiles({ ...pixel, name: 'x.pdf', mimeType: 'application/pdf' });
		await page.getByRole('alert').getByText('This is not a picture').waitFor();
		server.answers.set('POST /api/protected/media/upload', {
			status: 422,
			body: { status: 422, detail: 'The picture has too many pixels. Make it smaller.' }
		});
		await input.setInputFiles(pixel);
		await page.getByRole('alert').getByText('too many pixels').waitFor();
		await inspect(page, 'portrait-refused');
		server.answers.set('POST /api/protected/media/upload', 'never');
		await button('Try again').click();
		await button('Cancel the upload').click();
		await page.getByText('The upload was cancelled.').waitFor();
	});
});

describe('the library', () => {
	beforeEach(() => void (server.user = fixtures.tutor));

	it('shows what there is, and deletes what nothing uses', async () => {
		await page.goto('/media');
		await page.getByRole('heading', { name: 'Pictures and lines' }).waitFor();
		await page.getByRole('link', { name: 'Starting insulin at home' }).waitFor();
		expect(await page.locator('article').count()).toBe(3);
		expect(await page.getByRole('button', { name: /^Delete:/ }).count()).toBe(1);
		await inspect(page, 'media-library');
		await page.getByRole('button', { name: /^Copy the id of: A pre-filled/ }).click();
		await page.getByText('Copied.').waitFor();
		expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('m1');
		await page.getByRole('button', { name: /^Delete: A pre-filled/ }).click();
		await page.getByRole('alertdialog').waitFor();
		await button('Delete it').click();
		await page.getByText('Deleted.', { exact: true }).waitFor();
		expect(await page.locator('article').count()).toBe(2);
		await page.getByRole('radio', { name: 'Lines' }).click();
		await page.waitForURL('**/media?kind=line');
		await page.locator('audio').waitFor();
		expect(await page.locator('article').count()).toBe(1);
	});

	it('uploads a picture by drag and drop, with a description', async () => {
		await page.goto('/media');
		const area = page.getByRole('group', { name: 'Upload a picture' });
		await area.waitFor();
		const data = await page.evaluateHandle((bytes) => {
			const transfer = new DataTransfer();
			const file = new File([new Uint8Array(bytes)], 'kitchen.png', { type: 'image/png' });
			transfer.items.add(file);
			return transfer;
		}, [...pixel.buffer]);
		await area.dispatchEvent('drop', { dataTransfer: data });
		await page.getByRole('img', { name: 'The picture that you chose' }).waitFor();
		await button('Upload this picture').click();
		await page.getByText('Say in a few words what the picture shows').waitFor();
		await inspect(page, 'media-upload');
		await page.getByLabel('What the picture shows').fill('A kitchen');
		await page.keyboard.press('Tab');
		await page.keyboard.press('Enter'); // the button
		await page.getByText('The picture is uploaded.').waitFor();
		expect(String(server.sent.get('POST /api/protected/media/upload'))).toContain('A kitchen');
	});

	it('uploads a line, which can be heard before', async () => {
		await page.goto('/media');
		await page.getByRole('radio', { name: 'A recorded line' }).click();
		await page.getByTestId('upload-line').setInputFiles({
			name: 'line.wav',
			mimeType: 'audio/wav',
			buffer: readFileSync(`${screens.dir}/voice.wav`)
		});
		await page.getByLabel('The sound that you chose').waitFor();
		await page.getByLabel('What the line says').fill('Good morning.');
		await button('Upload this sound').click();
		await page.getByText('The sound is uploaded.').waitFor();
	});

	it('loads, fails and is empty', async () => {
		server.answers.set('GET /api/media', { status: 503, body: { detail: 'Try again soon.' } });
		await page.goto('/media');
		await page.getByRole('alert').getByText('Try again soon.').waitFor();
		await inspect(page, 'media-failed');
		server.answers.set('GET /api/media', { status: 200, body: { items: [] } });
		await button('Try again').click();
		await page.getByText('There is nothing here yet.').waitFor();
	});

	it('is for tutors', async () => {
		server.user = fixtures.candidate;
		await page.goto('/media');
		await page.getByText('This page is for tutors.').waitFor();
	});
});
