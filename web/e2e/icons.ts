import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { it } from 'vitest';

const STATIC = new URL('../static/', import.meta.url).pathname;

/** Renders the icons of the installed app from the mark: `npm run icons`. */
it('renders the icons', async () => {
	const mark = readFileSync(`${STATIC}favicon.svg`, 'utf8');
	// Systems cut maskable icons into their own shapes: the colour fills all of it, and the line
	// stays within the middle 80 %. Apple's icon is cut too, at its corners.
	const full = mark.replace('rx="9"', '');
	const maskable = full.replace('<path', '<path transform="translate(16 16) scale(.78) translate(-16 -16)"');
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu']
	});
	mkdirSync(`${STATIC}icons`, { recursive: true });
	for (const [name, size, svg] of [
		['192', 192, mark],
		['512', 512, mark],
		['maskable-512', 512, maskable],
		['apple-180', 180, full]
	] as const) {
		const page = await browser.newPage({ viewport: { width: size, height: size } });
		const source = `data:image/svg+xml,${encodeURIComponent(svg)}`;
		await page.setContent(
			`<style>body{margin:0}img{display:block}</style><img src="${source}" width=${size} height=${size}>`
		);
		const png = await page.screenshot({ omitBackground: true });
		writeFileSync(`${STATIC}icons/${name}.png`, png);
		await page.close();
	}
	await browser.close();
});
