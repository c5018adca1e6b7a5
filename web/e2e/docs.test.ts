import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { accessible, fits, NARROW, open, picture, WIDE } from './browser.ts';
import type { Server } from './server.ts';
import { useServer } from './setup.ts';
import { speak } from './speech.ts';

const running = useServer((dir) => speak(dir, 'nothing', 'Nobody listens.', 'en-gb', 0.1, 1).file);
let browser: Browser;
let server: Server;
beforeAll(() => void ({ browser, server } = running));

describe('the page about the interface', () => {
	for (const [colorScheme, viewport] of [
		['light', NARROW],
		['dark', WIDE]
	] as const) {
		it(`is readable in ${colorScheme}, ${viewport.width} pixels wide`, async () => {
			const context = await browser.newContext({ colorScheme, viewport });
			const { page, problems } = await open(context);
			const foreign: string[] = [];
			page.on('request', (request) => {
				if (!request.url().startsWith(server.url)) foreign.push(request.url());
			});
			await page.goto(`${server.url}/docs`);
			await accessible(page, `docs in ${colorScheme}`);
			await fits(page, `docs in ${colorScheme}`);
			// The whole page is too tall for a picture.
			await picture(page, `docs-${viewport.width}`, false);
			expect(problems).toEqual([]);
			expect(foreign, 'loaded from elsewhere').toEqual([]);
			await context.close();
		});
	}

	it('works by keyboard and without scripts', async () => {
		const context = await browser.newContext({ javaScriptEnabled: false });
		const { page } = await open(context);
		await page.goto(`${server.url}/docs`);
		await page.keyboard.press('Tab');
		await page.keyboard.press('Enter'); // skips to the contents
		await page.waitForURL((url) => url.hash === '#top');
		const link = page.getByRole('main').getByRole('link', { name: 'POST /auth/login' });
		await link.focus();
		await page.keyboard.press('Enter');
		await page.waitForURL((url) => url.hash === '#login');
		const article = page.getByRole('article', { name: 'Sign in', exact: true });
		await article.getByText('Example of the response').first().focus();
		await page.keyboard.press('Enter');
		await article.getByText('"access_token"').waitFor();
		await context.close();
	});
});
