import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { beforeEach, expect, it } from 'vitest';
import { accessible, fits, NARROW, picture, WIDE } from './browser.ts';
import { BUILD } from './mock.ts';
import { useMock } from './setup.ts';

const screens = useMock('Good morning.', { lead: 0.5, tail: 1 }, { serviceWorkers: 'allow' });
let page: Page;
let server: typeof screens.server;
beforeEach(() => {
	({ page, server } = screens);
	server.files.clear();
});

/** Opens the start page, and waits until the service worker controls it. */
async function installed(): Promise<void> {
	await page.goto('/');
	await page.getByRole('heading', { name: /Hello, Dana/ }).waitFor();
	await page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated');
}

/** Returns the paths of everything that the browser keeps for the app, by cache. */
const kept = () =>
	page.evaluate(async () => {
		const all: Record<string, string[]> = {};
		for (const name of await caches.keys()) {
			const requests = await (await caches.open(name)).keys();
			all[name] = requests.map((r) => new URL(r.url).pathname).sort();
		}
		return all;
	});

it('can be installed: the manifest parses, its icons load, and a worker controls the page', async () => {
	await installed();
	const devtools = await screens.context.newCDPSession(page);
	const { data, errors } = await devtools.send('Page.getAppManifest');
	expect(errors).toEqual([]);
	const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
	// A browser profile of a test is a private window.
	expect(installabilityErrors.map((e) => e.errorId).filter((e) => e !== 'in-incognito')).toEqual(
		[]
	);
	const manifest = JSON.parse(data ?? '{}') as {
		name: string;
		display: string;
		icons: { src: string; sizes: string; type: string; purpose?: string }[];
	};
	expect(manifest.name).toContain('Bedside');
	expect(manifest.display).toBe('standalone');
	const apple = (await page.locator('link[rel=apple-touch-icon]').getAttribute('href')) ?? '';
	for (const icon of [...manifest.icons, { src: apple, sizes: '180x180', type: 'image/png' }]) {
		const { width, type } = await page.evaluate(async (src) => {
			const image = new Image();
			image.src = src;
			await image.decode();
			const answer = await fetch(src);
			return { width: image.naturalWidth, type: answer.headers.get('Content-Type') };
		}, icon.src);
		expect(type).toBe(icon.type);
		if (icon.sizes !== 'any') expect(`${width}x${width}`).toBe(icon.sizes);
	}
	expect(manifest.icons.map((i) => i.purpose ?? 'any')).toContain('maskable');
});

it('says in its own words that there is no connection', async () => {
	await installed();
	await server.pause();
	await page.goto('/scenarios/insulin');
	await page.getByRole('heading', { name: 'You have no connection' }).waitFor();
	for (const [suffix, size] of [
		['360', NARROW],
		['1280', WIDE]
	] as const) {
		await page.setViewportSize(size);
		await accessible(page, `offline at ${suffix}`);
		await fits(page, `offline at ${suffix}`);
		await picture(page, `offline-${suffix}`);
	}
	await server.resume();
	await page.getByRole('link', { name: 'Try again' }).click();
	await page.getByRole('link', { name: 'With a tutor' }).waitFor();
	expect(new URL(page.url()).pathname).toBe('/scenarios/insulin');
});

it('keeps the files of its build, and nothing that belongs to a person', async () => {
	await installed();
	await page.goto('/attempts/a1');
	await page.waitForFunction(
		() => !document.querySelector('figure button')?.hasAttribute('disabled')
	);
	const caches = Object.values(await kept());
	expect(caches).toHaveLength(1);
	const paths = caches.flat();
	expect(paths.filter((p) => p.endsWith('.js')).length).toBeGreaterThan(3);
	for (const path of paths)
		expect(path).toMatch(/^\/(_app\/immutable\/.+|offline\.(html|css)|favicon\.svg)$/);
});

it('takes a new build at once, and keeps what pages of the last one still need', async () => {
	await installed();
	const [first = ''] = Object.keys(await kept());
	const script = ((await kept())[first] ?? []).find((p) => p.endsWith('.js')) ?? '';
	const worker = await readFile(`${BUILD}service-worker.js`, 'utf8');
	const index = await readFile(`${BUILD}index.html`, 'utf8');
	const builds = [first.slice(8), 'second', 'third'];
	for (const [i, next] of builds.entries()) {
		if (i === 0) continue;
		// The same files: a build that differs only in its version, and no longer has one script.
		server.files.set('/service-worker.js', worker.replaceAll(first.slice(8), next));
		const mark = `<head><meta name="build" content="${next}">`;
		server.files.set('/index.html', index.replace('<head>', mark));
		await page.reload();
		// The page itself is never an old one.
		expect(await page.locator('meta[name=build]').getAttribute('content')).toBe(next);
		await page.evaluate(async () => {
			await (await navigator.serviceWorker.ready).update();
		});
		// waitForFunction takes the promise of an async function for an answer.
		await expect
			.poll(async () => Object.keys(await kept()), { timeout: 15_000 })
			.toEqual(builds.slice(i - 1, i + 1).map((build) => `bedside-${build}`));
		await page.waitForFunction(
			() => navigator.serviceWorker.controller?.state === 'activated'
		);
	}
	server.files.set(script, undefined); // not in the newest build
	expect(await page.evaluate(async (path) => (await fetch(path)).status, script)).toBe(200);
});
