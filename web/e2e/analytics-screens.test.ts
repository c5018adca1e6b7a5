import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { choose, inspect } from './browser.ts';
import * as fixtures from './fixtures.ts';
import { nothing, practice } from './mock-analytics.ts';
import { useMock } from './setup.ts';

const screens = useMock('Nothing is said.', { lead: 0.5, tail: 1 }, {});
let page: Page;
let server: typeof screens.server;
const NUMBERS = 'GET /api/analytics/practice';
beforeEach(() => {
	({ page, server } = screens);
	server.user = fixtures.tutor;
	server.answers.clear();
	server.answers.set(NUMBERS, { status: 200, body: practice });
});

describe('analytics', () => {
	it('shows how far attempts came', async () => {
		await page.goto('/analytics');
		await page.getByRole('heading', { name: 'How far they came' }).waitFor();
		const row = page.getByRole('row', { name: /Play began/ });
		expect(await row.innerText()).toMatch(/192\s+80 %\s+24/);
		await page.getByText('Show as a table').click();
		await page.getByRole('rowheader', { name: '26 Oct' }).waitFor();
		await inspect(page, 'analytics');
		await page.getByRole('link', { name: 'Starting insulin at home' }).waitFor();
	});

	it('keeps the filters in the address', async () => {
		await page.goto('/analytics?profession=medicine');
		await page.getByRole('heading', { name: 'By scenario' }).waitFor();
		expect(server.sent.get(NUMBERS)).toBe('?profession=medicine');
		await page.getByLabel('Difficulty').click();
		await choose(page, '3 (hard)');
		await page.waitForURL('**/analytics?profession=medicine&difficulty=3');
		await page.getByLabel('From', { exact: true }).fill('2026-09-01');
		await page.getByLabel('From', { exact: true }).blur();
		await page.waitForURL('**/analytics?from=2026-09-01&profession=medicine&difficulty=3');
		await expect
			.poll(() => server.sent.get(NUMBERS))
			.toBe('?from=2026-09-01&profession=medicine&difficulty=3');
		await page.goBack();
		await page.waitForURL('**/analytics?profession=medicine&difficulty=3');
		await page.reload();
		await page.getByText('3 (hard)', { exact: true }).waitFor();
	});

	it('downloads CSV', async () => {
		await page.goto('/analytics?profession=nursing');
		server.answers.set('GET /api/analytics/practice.csv', { status: 200, body: {} });
		const download = page.waitForEvent('download');
		await page.getByRole('button', { name: 'Download scenarios (CSV)' }).click();
		expect((await download).suggestedFilename()).toBe(
			'bedside-by-scenario-2026-08-01-2026-10-30.csv'
		);
		expect(server.sent.get('GET /api/analytics/practice.csv')).toBe(
			'?profession=nursing&by=scenario'
		);
	});

	it('says what to do when there is nothing', async () => {
		server.answers.set(NUMBERS, { status: 200, body: nothing });
		await page.goto('/analytics');
		await page.getByText('You have not played a patient').waitFor();
		await inspect(page, 'analytics-nothing');
		await page.goto('/analytics?difficulty=3');
		await page.getByRole('link', { name: 'Show all' }).click();
		await page.waitForURL('**/analytics');
	});

	it('says what went wrong', async () => {
		server.answers.set(NUMBERS, {
			status: 422,
			body: { status: 422, detail: 'Choose a period of at most two years.' }
		});
		await page.goto('/analytics?from=2020-01-01');
		await page.getByText('Choose a period of at most two years.').waitFor();
		await inspect(page, 'analytics-refused');
	});

	it('is for tutors and administrators', async () => {
		server.user = fixtures.candidate;
		await page.goto('/analytics');
		await page.getByText('This page is for tutors.').waitFor();
		expect(server.sent.has(NUMBERS)).toBe(false);
	});
});
