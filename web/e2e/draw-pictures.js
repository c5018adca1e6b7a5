// Renders the drawings of the shipped role plays: each pictures/<slug>.svg to <slug>.jpg.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const FOLDER = new URL('../../store/scenario/content/pictures/', import.meta.url).pathname;
const WIDTH = 800;
const MOST_BYTES = 24_000;

const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu']
});
const page = await browser.newPage();
const sums = [];
for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.svg'))) {
	const svg = readFileSync(FOLDER + name, 'utf8');
	const [, , width = 3, height = 2] = (/viewBox="([^"]+)"/.exec(svg)?.[1] ?? '')
		.split(/[\s,]+/)
		.map(Number);
	const box = { width: WIDTH, height: Math.round((WIDTH * height) / width) };
	await page.setViewportSize(box);
	const address = `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
	await page.setContent(
		`<style>body{margin:0}img{display:block;width:100vw;height:100vh}</style><img src="${address}">`
	);
	await page.locator('img').evaluate((img) => img.decode());
	const path = FOLDER + name.replace('.svg', '.jpg');
	for (const quality of [85, 75, 65, 55, 45]) {
		await page.screenshot({ path, type: 'jpeg', quality });
		if (statSync(path).size <= MOST_BYTES) break;
	}
	sums.push(`${createHash('sha256').update(svg).digest('hex')}  ${name}`);
}
await browser.close();
// What each was rendered of, so that a test notices a drawing that has changed since.
writeFileSync(`${FOLDER}SOURCES`, `${sums.sort().join('\n')}\n`);
