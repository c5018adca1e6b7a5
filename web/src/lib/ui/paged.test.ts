import { expect, it, vi } from 'vitest';
import { PagedList, startPaged } from './paged.svelte';

const pages: Record<string, { items: string[]; next?: string }> = {
	'': { items: ['a', 'b'], next: 'b' },
	b: { items: ['c'] }
};

it('adds pages until there are no more', async () => {
	const get = vi.fn(async (next: string) => pages[next] ?? { items: [] });
	const list = startPaged(get);
	expect(list.value).toBeUndefined();
	await vi.waitUntil(() => list.value);
	expect([list.value, list.hasMore]).toEqual([['a', 'b'], true]);
	await Promise.all([list.loadMore(), list.loadMore()]);
	expect([list.value, list.hasMore]).toEqual([['a', 'b', 'c'], false]);
	await list.loadMore();
	expect(get).toHaveBeenCalledTimes(2);
});

it('keeps the list when the next page fails, and loads that page on the next try', async () => {
	let fails = true;
	const list = startPaged(async (next: string) => {
		if (next && fails) throw new Error('away');
		return pages[next] ?? { items: [] };
	});
	await vi.waitUntil(() => list.value);
	await list.loadMore();
	expect([list.value, list.moreError]).toEqual([['a', 'b'], new Error('away')]);
	fails = false;
	await list.loadMore();
	expect([list.value, list.moreError]).toEqual([['a', 'b', 'c'], undefined]);
});

it('drops a page of a list that was replaced meanwhile', async () => {
	let late: (page: { items: string[] }) => void = () => undefined;
	const list = new PagedList(async (next: string) =>
		next
			? new Promise<{ items: string[] }>((resolve) => (late = resolve))
			: { items: ['a'], next: 'a' }
	);
	await list.load();
	const more = list.loadMore();
	await list.load();
	late({ items: ['old'] });
	await more;
	expect(list.value).toEqual(['a']);
});
