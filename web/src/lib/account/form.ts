import { failureOf } from '$lib/api/problem';
import { Form, type Check, type FormFailure } from '$lib/ui/form.svelte';
import { Declined } from './proof.svelte';

/** Makes a form whose failures are the server's problems. */
export function accountForm<V extends Record<string, string>>(
	values: V,
	checks: Partial<Record<keyof V, Check<V>>>
): Form<V> {
	return new Form(values, checks, readFailure);
}

/** A declined proof is the reader's own decision, so there is nothing to show. */
function readFailure(error: unknown): FormFailure | undefined {
	if (error instanceof Declined) return undefined;
	return failureOf(error);
}
