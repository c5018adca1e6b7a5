import { Declined } from '$lib/account/proof.svelte';
import { explain, Problem } from '$lib/api/problem';
import { tick } from 'svelte';

/** Says what to do about a value, given the others; nothing when it is right. */
export type Check<V> = (value: string, all: V) => string;

/** The fields of a form, what is wrong with them, and sending it. Owner: the screen that shows it. */
export class Form<V extends Record<string, string>> {
	values: V;
	problems = $state<Partial<Record<keyof V, string>>>({});
	busy = $state(false);
	/** What went wrong that is no one field's fault. */
	failure = $state('');
	#checks: Partial<Record<keyof V, Check<V>>>;

	constructor(values: V, checks: Partial<Record<keyof V, Check<V>>> = {}) {
		const kept = $state(values);
		this.values = kept;
		this.#checks = checks;
	}

	/** Checks a field when it is left. An empty one is let be until the form is sent; on the way to a button nothing may move. */
	left = (event: FocusEvent): void => {
		const field = this.#field(event);
		if (
			!field ||
			(event.relatedTarget instanceof Element && event.relatedTarget.closest('button, a'))
		)
			return;
		if (this.values[field] !== '' || this.problems[field]) this.#look(field);
	};

	/** A problem that is shown goes as soon as it is mended. */
	typed = (event: Event): void => {
		const field = this.#field(event);
		if (field && this.problems[field]) this.#look(field);
	};

	/** Sends the form unless something is wrong; then the first field to mend gets the focus. */
	async submit(element: HTMLFormElement, send: () => Promise<void>): Promise<void> {
		if (this.busy) return;
		this.failure = '';
		for (const field of Object.keys(this.values)) this.#look(field);
		if (Object.values(this.problems).some(Boolean)) return focusFirst(element);
		this.busy = true;
		try {
			await send();
		} catch (error) {
			this.#refused(error);
			await focusFirst(element);
		} finally {
			this.busy = false;
		}
	}

	/** Empties what was typed and what was said of it. */
	clear(): void {
		for (const field of Object.keys(this.values))
			(this.values as Record<string, string>)[field] = '';
		this.problems = {};
		this.failure = '';
	}

	#field(event: Event): keyof V | undefined {
		const name = (event.target as Partial<HTMLInputElement>).name;
		return name && name in this.values ? name : undefined;
	}

	#look(field: keyof V): void {
		this.problems[field] = this.#checks[field]?.(this.values[field] ?? '', this.values) ?? '';
	}

	#refused(error: unknown): void {
		if (error instanceof Declined) return;
		const fields = error instanceof Problem ? Object.entries(error.fields) : [];
		const ours = fields.filter(([field]) => field in this.values);
		for (const [field, words] of ours) this.problems[field as keyof V] = words;
		if (ours.length === 0 || ours.length < fields.length) this.failure = explain(error);
	}
}

async function focusFirst(form: HTMLFormElement): Promise<void> {
	await tick();
	form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
