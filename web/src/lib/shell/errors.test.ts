import { Problem } from '$lib/api/problem';
import { cleanup, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Loading } from '$lib/ui/loading.svelte';
import ErrorText from './ErrorText.svelte';
import { wordsOf } from './errors';
import LoadedHarness from './LoadedHarness.test.svelte';

afterEach(cleanup);

it('has a heading for every kind of error', () => {
	const titles = [0, 403, 404, 429, 500].map((s) => wordsOf(new Problem(s, 'Detail.')).title);
	expect(new Set(titles).size).toBe(titles.length);
	expect(wordsOf(new Problem(404, 'no such scenario')).title).toBe('Not found');
	expect(wordsOf(new Error('a bug')).message).toMatch(/Reload/);
});

describe('the error page', () => {
	it('leads on where trying again cannot help', () => {
		render(ErrorText, { error: new Problem(404, '') });
		screen.getByRole('heading', { name: 'Not found' });
		expect(screen.getByRole('link').getAttribute('href')).toBe('/');
		expect(screen.queryByRole('button')).toBeNull();
	});

	it('offers to try again where that can help', async () => {
		const again = vi.fn();
		render(ErrorText, { error: new Problem(0, 'Bedside cannot be reached.'), again });
		screen.getByRole('alert');
		screen.getByRole('button', { name: 'Try again' }).click();
		expect(again).toHaveBeenCalledOnce();
	});
});

describe('a page that loads', () => {
	async function failing(status: number, whole: boolean) {
		const loading = new Loading<string>(() => Promise.reject(new Problem(status, 'Refused.')));
		await loading.load();
		render(LoadedHarness, { from: loading, whole });
	}

	it('shows a skeleton, then the content', async () => {
		const answers: ((value: string) => void)[] = [];
		const loading = new Loading(() => new Promise<string>((r) => answers.push(r)));
		const done = loading.load();
		const { container } = render(LoadedHarness, { from: loading });
		expect(screen.getByRole('status').textContent).toBe('Loading the thing');
		expect(container.querySelector('.skeleton')).not.toBeNull();
		answers[0]?.('content');
		await done;
		await screen.findByText('content');
		expect(container.querySelector('.skeleton')).toBeNull();
	});

	it.each([
		[0, true],
		[429, true],
		[503, true],
		[403, false],
		[404, false],
		[422, false]
	])('after %i offers to try again: %s', async (status, retry) => {
		await failing(status, false);
		expect(screen.queryByRole('button', { name: 'Try again' }) !== null).toBe(retry);
	});

	it('is replaced by the error page when it is about the missing thing', async () => {
		await failing(404, true);
		screen.getByRole('heading', { name: 'Not found' });
	});
});
