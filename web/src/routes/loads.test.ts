import { expect, it, vi } from 'vitest';

type Load = (event: {
	params: Record<string, string>;
	url: URL;
	parent: () => Promise<unknown>;
}) => Promise<unknown>;

const pages = import.meta.glob<{ load: Load }>('./**/+page.ts', { eager: true });
const guarded = Object.keys(import.meta.glob('./**/+page.svelte')).filter(
	(path) => !path.startsWith('./(public)/')
);

/** Loads a page that asks a server which never answers. */
async function load(page: { load: Load }, parent: () => Promise<unknown>) {
	const fetch = vi.fn(() => new Promise(() => undefined));
	vi.stubGlobal('fetch', fetch);
	const url = new URL('https://bedside.example/?room=a&as=patient');
	const result = await page
		.load({ params: { id: 'a', slug: 's' }, url, parent })
		.catch((error: unknown) => error);
	await new Promise((done) => setTimeout(done));
	vi.unstubAllGlobals();
	return { result, fetch };
}

it('has a load function for every page that is not public', () => {
	const loaded = Object.keys(pages).map((path) => path.replace('.ts', '.svelte'));
	expect(guarded.length).toBeGreaterThan(0);
	expect(guarded.filter((path) => !loaded.includes(path))).toEqual([]);
});

it.each(Object.entries(pages))('%s asks nothing when its guard refuses', async (_, page) => {
	const refusal = new Error('refused');
	const { result, fetch } = await load(page, () => Promise.reject(refusal));
	expect(result).toBe(refusal);
	expect(fetch).not.toHaveBeenCalled();
});

it.each(Object.entries(pages))('%s does not wait for the server', async (_, page) => {
	const { result } = await load(page, () => Promise.resolve({}));
	expect(result).toBeTypeOf('object');
	expect(result).not.toBeInstanceOf(Error);
});
