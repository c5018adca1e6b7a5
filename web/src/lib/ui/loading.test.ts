import { expect, it, vi } from 'vitest';
import { Loading, startLoading } from './loading.svelte';

it('keeps the old value until the new one is there', async () => {
	let n = 0;
	const loading = startLoading(async () => ++n);
	await vi.waitUntil(() => loading.value);
	const again = loading.load();
	expect(loading.value).toBe(1);
	await again;
	expect(loading.value).toBe(2);
});

it('keeps an error until the next try', async () => {
	const answers = [() => Promise.reject(new Error('away')), async () => 'here'];
	const loading = new Loading(async () => answers.shift()?.());
	await loading.load();
	expect([loading.value, loading.error]).toEqual([undefined, new Error('away')]);
	await loading.load();
	expect([loading.value, loading.error]).toEqual(['here', undefined]);
});

it('takes the last of overlapping calls', async () => {
	const waiting: ((value: string) => void)[] = [];
	const loading = new Loading(() => new Promise<string>((resolve) => waiting.push(resolve)));
	const calls = [loading.load(), loading.load()];
	waiting[1]?.('second');
	waiting[0]?.('first');
	await Promise.all(calls);
	expect(loading.value).toBe('second');
});
