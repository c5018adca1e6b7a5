// A candidate's pages, and those of guests: home, catalogue, a role play, the history.
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { inspect, NARROW } from './browser.ts';
import * as fixtures from './fixtures.ts';
import { exam } from './mock-exams.ts';
import * as practice from './mock-practice.ts';
import { useMock } from './setup.ts';

const screens = useMock('Good morning.', { lead: 0.2, tail: 1 }, {});
let page: Page;
let server: typeof screens.server;
beforeEach(() => void ({ page, server } = screens));

const MOST_REQUESTS = 15;
const MOST_BYTES = 250_000;

/** Counts what a page loads, compressed as the server sends it, from an empty cache. */
async function weigh(path: string, usable: string): Promise<{ requests: number; bytes: number }> {
	const cdp = await screens.context.newCDPSession(page);
	await cdp.send('Network.enable');
	const requests = new Set<string>();
	let bytes = 0;
	cdp.on('Network.requestWillBeSent', ({ requestId, request, type }) => {
		// A picture may come later: its box has its size already.
		if (!request.url.startsWith('data:') && type !== 'Image') requests.add(requestId);
	});
	cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
		if (requests.has(requestId)) bytes += encodedDataLength;
	});
	await page.goto(path);
	await page.getByRole('link', { name: usable }).first().waitFor();
	await page.waitForLoadState('networkidle');
	return { requests: requests.size, bytes };
}

describe('home', () => {
	it('puts one next step first, then progress and the own profession', async () => {
		await page.goto('/');
		await page.getByRole('heading', { name: 'Starting insulin at home', level: 2 }).waitFor();
		await page.getByText('12 days to your test').waitFor();
		await page.getByRole('heading', { name: 'Your progress' }).waitFor();
		await page.locator('.scenario').first().waitFor();
		expect(server.sent.get('GET /api/scenarios')).toBe('?profession=nursing');
		await inspect(page, 'home');
		await page.getByRole('button', { name: 'Demanding' }).click();
		await page.getByText('No role play matches these filters.').waitFor();
		await page.getByRole('button', { name: 'Show all role plays' }).click();
		await page.getByRole('link', { name: /After the second fall/ }).nth(1).waitFor();
		expect(await page.getByRole('link', { name: 'Play it now' }).getAttribute('href')).toBe(
			'/green-room?scenario=insulin&patient=automatic&straight'
		);
	});

	it('shows a newcomer a tour and a reminder of the mail', async () => {
		server.user = { ...fixtures.candidate, email_verified: false };
		server.answers.set('GET /api/progress', { status: 200, body: practice.nothingYet });
		await page.goto('/');
		await page.getByRole('heading', { name: 'New here? This is how it works' }).waitFor();
		await page.getByText('Please confirm your e-mail address.').waitFor();
		await page.locator('.scenario').first().waitFor();
		await inspect(page, 'home-newcomer');
		await page.getByRole('button', { name: 'Send the mail again' }).click();
		await page.getByText('The mail is on its way.').waitFor();
		await page.getByRole('button', { name: 'Hide this' }).click();
		await page.reload();
		await page.getByRole('link', { name: 'Play it now' }).waitFor();
		expect(await page.getByRole('heading', { name: /New here/ }).count()).toBe(0);
	});

	it('puts a mock exam that is under way before any other role play', async () => {
		await page.goto('/');
		await page.getByRole('link', { name: 'Take a mock exam' }).waitFor();
		const items = [exam('second'), exam('reported')];
		server.answers.set('GET /api/exams', { status: 200, body: { items } });
		await page.reload();
		await page.getByText('Your mock exam is at the second role play.').waitFor();
		await page.getByRole('heading', { name: 'Your progress' }).waitFor();
		expect(await page.getByRole('link', { name: 'Play it now' }).count()).toBe(0);
		expect(await page.getByRole('link', { name: 'Take a mock exam' }).count()).toBe(0);
		await page.locator('.scenario').first().waitFor();
		await inspect(page, 'home-exam');
		server.answers.set('GET /api/exams/e1', { status: 200, body: exam('second') });
		await page.getByRole('link', { name: 'Go on with it' }).click();
		await page.waitForURL('**/exams/e1');
	});

	it('loads and fails', async () => {
		server.answers.set('GET /api/scenarios', 'never');
		server.answers.set('GET /api/progress', { status: 500, body: {} });
		await page.goto('/');
		await page.getByRole('button', { name: 'Try again' }).waitFor();
		await inspect(page, 'home-loading');
	});
});

describe('the catalogue', () => {
	it('keeps search and filters in the address', async () => {
		await page.goto('/scenarios');
		await page.getByText('4 role plays', { exact: true }).waitFor();
		await inspect(page, 'catalogue');
		await page.setViewportSize({ width: 1280, height: 800 });
		await page.getByRole('searchbox').fill('insulin');
		await page.getByText('1 role play', { exact: true }).waitFor();
		await page.getByRole('checkbox', { name: 'Nursing' }).press('Space');
		await page.waitForURL('**/scenarios?q=insulin&profession=nursing');
		expect(await page.getByRole('checkbox', { name: 'Nursing' }).isChecked()).toBe(true);
		await inspect(page, 'catalogue-filtered');
		await page.reload();
		await page.getByText('1 role play', { exact: true }).waitFor();
		await page.getByRole('button', { name: 'Clear all' }).click();
		await page.getByText('4 role plays', { exact: true }).waitFor();
		expect(new URL(page.url()).search).toBe('');
	});
});

describe('a role play', () => {
	it('shows what it trains, the last attempts, notes and a model performance', async () => {
		server.answers.set('GET /api/scenarios/insulin', {
			status: 200,
			body: {
				...fixtures.scenario('insulin', false),
				criteria: ['relationship', 'giving'],
				...practice.model
			}
		});
		await page.goto('/scenarios/insulin');
		await page.getByRole('heading', { name: 'What it trains' }).waitFor();
		await page.getByRole('heading', { name: 'Your last attempts' }).waitFor();
		await page.getByText('A model performance').click();
		await inspect(page, 'scenario-played');
		await page.getByRole('button', { name: 'Bookmark', exact: true }).click();
		await page.getByRole('button', { name: 'Bookmarked' }).waitFor();
		await page.getByRole('textbox').fill('Ask about work.');
		await page.getByRole('button', { name: 'Save notes' }).click();
		await page.getByText('Your notes are saved.').waitFor();
		expect(server.sent.get('POST /api/protected/progress/insulin')).toEqual({
			notes: 'Ask about work.'
		});
	});
});

describe('my practice', () => {
	it('is listed and filtered, and a role play is deleted after a confirmation', async () => {
		await page.goto('/practice');
		await page.getByRole('button', { name: /^Delete/ }).first().waitFor();
		await inspect(page, 'practice');
		const before = await page.getByRole('button', { name: /^Delete/ }).count();
		await page.getByRole('button', { name: /^Delete/ }).first().click();
		await page.getByRole('alertdialog').waitFor();
		await inspect(page, 'practice-delete');
		await page.getByRole('button', { name: 'Delete it' }).click();
		await page.getByText('is deleted.').waitFor();
		expect(await page.getByRole('button', { name: /^Delete/ }).count()).toBe(before - 1);
		expect(server.sent.has('DELETE /api/attempts/a0')).toBe(true);
	});
});

describe('a guest', () => {
	it('sees the catalogue, a role play and a sample report without a failed request', async () => {
		server.user = null;
		const failed: string[] = [];
		page.on('console', (message) => {
			if (message.type() === 'error') failed.push(message.text());
		});
		page.on('response', (response) => {
			if (response.status() >= 400) failed.push(`${response.status()} ${response.url()}`);
		});
		await page.goto('/');
		await page.waitForURL('**/sign-in');
		const sample = page.getByRole('link', { name: 'a sample report' });
		expect(await sample.getAttribute('href')).toBe('/sample-report');
		await inspect(page, 'guest-sign-in');
		await page.getByRole('link', { name: 'all role plays' }).click();
		await page.locator('.scenario').first().waitFor();
		await inspect(page, 'guest-catalogue');
		await page.goto('/scenarios/insulin');
		const start = page.getByRole('link', { name: 'Sign in to play it' });
		await start.waitFor();
		await inspect(page, 'guest-scenario');
		expect(await start.getAttribute('href')).toBe(
			'/sign-in?next=%2Fgreen-room%3Fscenario%3Dinsulin%26patient%3Dautomatic%26straight'
		);
		await page.goto('/sample-report');
		await page.getByText('This is a sample.').waitFor();
		await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
		await inspect(page, 'sample-report');
		expect(failed).toEqual([]);
	});
});

it.each([
	['/', 'Play it now'],
	['/scenarios', 'Starting insulin'],
	['/scenarios/insulin', 'With a tutor']
] as const)('%s can be used after few requests', async (path, usable) => {
	await page.setViewportSize(NARROW);
	const { requests, bytes } = await weigh(path, usable);
	expect(requests).toBeLessThanOrEqual(MOST_REQUESTS);
	expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
});
