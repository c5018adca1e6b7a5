import { Problem } from '$lib/api/problem';
import { describe, expect, it } from 'vitest';
import { accountForm } from './form';
import { Declined } from './proof.svelte';

describe('a form that the server refused', () => {
	const refused = async (error: unknown) => {
		const form = accountForm({ name: 'Dana', email: 'd@b.example' }, {});
		await form.submit(document.createElement('form'), () => Promise.reject(error));
		return form;
	};

	it('shows a problem with a field at that field', async () => {
		const fields = { email: 'This is not an e-mail address.' };
		const form = await refused(new Problem(422, 'Wrong.', '', fields));
		expect([form.problems.email, form.failure]).toEqual([fields.email, '']);
	});

	it('shows other problems above the fields', async () => {
		const words = 'Too many tries. Wait a minute, then try again.';
		expect((await refused(new Problem(429, words))).failure).toBe(words);
		const other = new Problem(422, 'The profession is unknown.', '', {
			profession: 'Unknown.'
		});
		expect((await refused(other)).failure).toBe('The profession is unknown.');
		expect((await refused(new Error('a bug'))).failure).toMatch(/Reload/);
	});

	it('shows nothing when the reader declined to prove who they are', async () => {
		const form = await refused(new Declined());
		expect([form.failure, form.busy]).toEqual(['', false]);
	});
});
