import axe from 'axe-core';
import { existsSync, mkdirSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { expect } from 'vitest';

export const OUT = new URL('./out/', import.meta.url).pathname;
export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 360, height: 740 };

/**
 * Starts Chromium with a WAV file as its microphone. After its end there is silence; the file does
 * not repeat.
 */
export async function launch(microphone: string): Promise<Browser> {
	if (!existsSync(microphone))
		throw new Error(`${microphone} is missing: Chromium would be silent without a word`);
	return chromium.launch({
		executablePath:
			process.env.CHROMIUM ??
			['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
				(p) => existsSync(p)
			),
		args: [
			'--no-sandbox',
			'--disable-gpu',
			'--disable-quic',
			'--no-first-run',
			'--disable-background-networking',
			'--disable-component-update',
			'--disable-sync',
			'--use-fake-device-for-media-stream',
			`--use-file-for-fake-audio-capture=${microphone}%noloop`,
			'--allow-loopback-in-peer-connection'
		]
	});
}

/**
 * Opens a page and collects its problems: script errors and violations of the content security
 * policy.
 */
export async function open(context: BrowserContext): Promise<{ page: Page; problems: string[] }> {
	const page = await context.newPage();
	const problems: string[] = [];
	page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
	page.on('console', (message) => {
		const text = message.text();
		// Chromium also logs statuses such as 401 or 404 as errors; the tests check those
		// themselves.
		if (message.type() === 'error' && !text.startsWith('Failed to load resource'))
			problems.push(`console: ${text}`);
	});
	return { page, problems };
}

/** Fails if axe finds a problem, once the page has settled. */
export async function accessible(page: Page, screen: string): Promise<void> {
	// A script element would violate the content security policy.
	await page.evaluate(axe.source);
	await expect
		.poll(() => violations(page), { message: `axe on ${screen}`, timeout: 10_000 })
		.toEqual([]);
}

async function violations(page: Page): Promise<string[]> {
	await waitUntilSettled(page);
	return page.evaluate(async () => {
		const runner = (window as unknown as { axe: typeof axe }).axe;
		const { violations } = await runner.run(document, {
			runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
		});
		return violations.map((v) => {
			const nodes = v.nodes.map((n) => `${n.html}\n  ${n.failureSummary ?? ''}`);
			return `${v.id}: ${v.help}\n  ${nodes.join('\n  ')}`;
		});
	});
}

/** Fails when the page is wider than the window. */
export async function fits(page: Page, screen: string): Promise<void> {
	const over = await page.evaluate(
		() => document.documentElement.scrollWidth - document.documentElement.clientWidth
	);
	expect(over, `${screen} is wider than the window`).toBeLessThanOrEqual(0);
}

export async function picture(page: Page, name: string, fullPage = true): Promise<void> {
	mkdirSync(OUT, { recursive: true });
	await waitUntilSettled(page);
	await page.screenshot({ path: `${OUT}${name}.png`, fullPage, animations: 'disabled' });
}

/**
 * Chooses an option of an open list by keyboard: a list that is still moving can slip away under a
 * mouse. No other option may begin with the same letter.
 */
export async function choose(page: Page, option: string): Promise<void> {
	await page.getByRole('option', { name: option, exact: true }).waitFor();
	await page.keyboard.press(option.charAt(0));
	await page
		.locator('[role=option][data-highlighted]')
		.getByText(option, { exact: true })
		.waitFor();
	await page.keyboard.press('Enter');
	await page.getByRole('listbox').waitFor({ state: 'hidden' });
}

/** Checks a screen at both widths: accessible, not too wide. It also takes screenshots. */
export async function inspect(page: Page, name: string): Promise<void> {
	for (const [suffix, size] of [
		['360', NARROW],
		['1280', WIDE]
	] as const) {
		await page.setViewportSize(size);
		await accessible(page, `${name} at ${suffix}`);
		await fits(page, `${name} at ${suffix}`);
		await picture(page, `${name}-${suffix}`);
	}
}

async function waitUntilSettled(page: Page): Promise<void> {
	await page.evaluate(async () => {
		await document.fonts.ready;
		await Promise.allSettled(
			document
				.getAnimations()
				.filter((a) => a.effect?.getComputedTiming().iterations !== Infinity)
				.map((a) => a.finished)
		);
		await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
	});
}
