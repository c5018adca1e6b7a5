import { Declined } from '$lib/account/proof.svelte';
import { Problem } from '$lib/api/problem';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Form } from './form.svelte';

const needed = (value: string) => (value === '' ? 'Fill it in.' : '');
let element: HTMLFormElement;
let form: Form<{ name: string; email: string }>;

beforeEach(() => {
	document.body.innerHTML =
		'<form><input name="name"><input name="email"><button></button></form>';
	element = document.querySelector('form') as HTMLFormElement;
	form = new Form(
		{ name: '', email: '' },
		{
			name: needed,
			email: (value) => needed(value) || (value.includes('@') ? '' : 'Not an address.')
		}
	);
});

const input = (name: string) => element.querySelector(`[name=${name}]`) as HTMLInputElement;
const left = (name: string, to: Element | null = null) =>
	form.left({ target: input(name), relatedTarget: to } as unknown as FocusEvent);
const typed = (name: 'name' | 'email', value: string) => {
	form.values[name] = value;
	form.typed({ target: input(name) } as unknown as Event);
};

describe('a field', () => {
	it('is checked when it is left, and again while it is mended', () => {
		typed('email', 'dana');
		expect(form.problems.email).toBeUndefined();
		left('email');
		expect(form.problems.email).toBe('Not an address.');
		typed('email', 'dana@');
		expect(form.problems.email).toBe('');
	});

	it('is let be while it is empty, and on the way to a button', () => {
		left('name');
		typed('email', 'dana');
		left('email', element.querySelector('button'));
		expect(form.problems).toEqual({});
	});
});

describe('sending', () => {
	it('does nothing while something is wrong', async () => {
		const send = vi.fn();
		await form.submit(element, send);
		expect(send).not.toHaveBeenCalled();
		expect(form.problems).toEqual({ name: 'Fill it in.', email: 'Fill it in.' });
	});

	it('happens once at a time', async () => {
		form.values = Object.assign(form.values, { name: 'Dana', email: 'd@b.example' });
		let done: () => void = () => undefined;
		const send = vi.fn(() => new Promise<void>((resolve) => (done = resolve)));
		const first = form.submit(element, send);
		await form.submit(element, send);
		expect(form.busy).toBe(true);
		done();
		await first;
		expect(send).toHaveBeenCalledTimes(1);
		expect(form.busy).toBe(false);
	});

	const refused = async (error: unknown) => {
		Object.assign(form.values, { name: 'Dana', email: 'd@b.example' });
		await form.submit(element, () => Promise.reject(error));
	};

	it('shows what the server says at the field that it speaks of', async () => {
		await refused(new Problem(422, 'Wrong.', '', { email: 'This is not an e-mail address.' }));
		expect([form.problems.email, form.failure]).toEqual([
			'This is not an e-mail address.',
			''
		]);
	});

	it('says above the fields what is no field’s fault', async () => {
		await refused(new Problem(429, 'Too many tries. Wait a minute, then try again.'));
		expect(form.failure).toBe('Too many tries. Wait a minute, then try again.');
		await refused(
			new Problem(422, 'The profession is unknown.', '', { profession: 'Unknown.' })
		);
		expect(form.failure).toBe('The profession is unknown.');
		await refused(new Error('a bug'));
		expect(form.failure).toMatch(/Reload/);
	});

	it('is silent when somebody would not prove who they are', async () => {
		await refused(new Declined());
		expect([form.failure, form.busy]).toEqual(['', false]);
	});

	it('leads to the first field to mend', async () => {
		input('email').setAttribute('aria-invalid', 'true'); // what the screen does with a problem
		await form.submit(element, vi.fn());
		expect(document.activeElement).toBe(input('email'));
	});
});
