import { tick } from 'svelte';

/** Checks a field's value, given all values; returns what to do about it, or an empty string. */
export type Check<V> = (value: string, all: V) => string;

/** What to show when sending a form failed: a message for the whole form, and one per field. */
export interface FormFailure {
	message: string;
	fields: Readonly<Record<string, string>>;
}

/** Turns what `send` threw into what to show; undefined when there is nothing to show. */
export type FailureReader = (error: unknown) => FormFailure | undefined;

/** A form's values, the problems found in them, and the state of sending it. */
export class Form<V extends Record<string, string>> {
	values: V;
	problems = $state<Partial<Record<keyof V, string>>>({});
	busy = $state(false);
	/** What went wrong with the form as a whole. */
	failure = $state('');
	#checks: Partial<Record<keyof V, Check<V>>>;
	#read: FailureReader;

	constructor(values: V, checks: Partial<Record<keyof V, Check<V>>>, read: FailureReader) {
		const kept = $state(values);
		this.values = kept;
		this.#checks = checks;
		this.#read = read;
	}

	/**
	 * Handles focusout: checks the field. An empty field is only checked when the form is sent.
	 * Nothing is checked when the focus goes to a button or link: a message that appears would
	 * move it away under the pointer.
	 */
	left = (event: FocusEvent): void => {
		const field = this.#field(event);
		const to = event.relatedTarget;
		if (!field || (to instanceof Element && to.closest('button, a'))) return;
		if (this.values[field] !== '' || this.problems[field]) this.#check(field);
	};

	/** Handles input: checks a field again that has a problem, so that the message goes away. */
	typed = (event: Event): void => {
		const field = this.#field(event);
		if (field && this.problems[field]) this.#check(field);
	};

	/** Checks all fields, then sends the form or moves the focus to the first wrong field. */
	async submit(element: HTMLFormElement, send: () => Promise<void>): Promise<void> {
		if (this.busy) return;
		this.failure = '';
		for (const field of Object.keys(this.values)) this.#check(field);
		if (Object.values(this.problems).some(Boolean)) return focusFirst(element);
		this.busy = true;
		try {
			await send();
		} catch (error) {
			this.#failed(error);
			await focusFirst(element);
		} finally {
			this.busy = false;
		}
	}

	/** Empties the fields and removes all messages. */
	clear(): void {
		const values: Record<string, string> = this.values;
		for (const field of Object.keys(values)) values[field] = '';
		this.problems = {};
		this.failure = '';
	}

	#field(event: Event): keyof V | undefined {
		const name = (event.target as Partial<HTMLInputElement>).name;
		return name && name in this.values ? name : undefined;
	}

	#check(field: keyof V): void {
		this.problems[field] = this.#checks[field]?.(this.values[field] ?? '', this.values) ?? '';
	}

	#failed(error: unknown): void {
		const failure = this.#read(error);
		if (!failure) return;
		const fields = Object.entries(failure.fields);
		const ours = fields.filter(([field]) => field in this.values);
		for (const [field, message] of ours) this.problems[field as keyof V] = message;
		if (ours.length === 0 || ours.length < fields.length) this.failure = failure.message;
	}
}

async function focusFirst(form: HTMLFormElement): Promise<void> {
	await tick();
	form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
