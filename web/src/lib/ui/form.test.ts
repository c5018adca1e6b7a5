import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Form } from './form.svelte';

const needed = (value: string) => (value === '' ? 'Fill it in.' : '');
const address = (value: string) => needed(value) || (value.includes('@') ? '' : 'Not an address.');
let element: HTMLFormElement;
let form: Form<{ name: string; email: string }>;

beforeEach(() => {
	document.body.innerHTML =
		'<form><input name="name"><input name="email"><button></button></form>';
	element = document.querySelector('form') as HTMLFormElement;
	form = new Form({ name: '', email: '' }, { name: needed, email: address }, (error) => ({
		message: String(error),
		fields: {}
	}));
});

const input = (name: string) => element.querySelector(`[name=${name}]`) as HTMLInputElement;
const left = (name: string, to: Element | null = null) =>
	form.left({ target: input(name), relatedTarget: to } as unknown as FocusEvent);
const typed = (name: 'name' | 'email', value: string) => {
	form.values[name] = value;
	form.typed({ target: input(name) } as unknown as Event);
};

describe('a field', () => {
	it('is checked when the focus leaves it, and again while it is corrected', () => {
		typed('email', 'dana');
		expect(form.problems.email).toBeUndefined();
		left('email');
		expect(form.problems.email).toBe('Not an address.');
		typed('email', 'dana@');
		expect(form.problems.email).toBe('');
	});

	it('is not checked while it is empty or when the focus goes to a button', () => {
		left('name');
		typed('email', 'dana');
		left('email', element.querySelector('button'));
		expect(form.problems).toEqual({});
	});
});

describe('sending', () => {
	it('does nothing while a field is wrong', async () => {
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

	it('shows what went wrong', async () => {
		Object.assign(form.values, { name: 'Dana', email: 'd@b.example' });
		await form.submit(element, () => Promise.reject('refused'));
		expect([form.failure, form.busy]).toEqual(['refused', false]);
	});

	it('moves the focus to the first wrong field', async () => {
		input('email').setAttribute('aria-invalid', 'true'); // as the page does
		await form.submit(element, vi.fn());
		expect(document.activeElement).toBe(input('email'));
	});
});
