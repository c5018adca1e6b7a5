/**
 * An error of the REST API (RFC 9457). The status 0 stands for a server that could not be reached.
 * The message is meant for the reader.
 */
export class Problem extends Error {
	constructor(
		readonly status: number,
		message: string,
		readonly type = '',
		readonly fields: Readonly<Record<string, string>> = {},
		readonly retryAfterS = 0
	) {
		super(message);
		this.name = 'Problem';
	}

	/** Reports whether the problem is of a kind, which is the last part of its type. */
	is(kind: string): boolean {
		return this.type === `urn:bedside:problem:${kind}`;
	}
}

export const UNREACHABLE = 'Bedside cannot be reached. Check your connection, then try again.';

const BROKEN_PAGE = 'Something went wrong in this page. Reload it and try again.';

interface Body {
	detail?: unknown;
	type?: unknown;
	errors?: unknown;
}

/** Reads the problem from an answer. */
export async function problemOf(response: Response): Promise<Problem> {
	let body: Body = {};
	if (response.headers.get('content-type')?.includes('json')) {
		try {
			body = ((await response.json()) ?? {}) as Body;
		} catch {
			body = {}; // the body was cut off; the status is enough
		}
	}
	const detail =
		typeof body.detail === 'string' && body.detail ? body.detail : sentence(response.status);
	const retry = Number(response.headers.get('retry-after'));
	return new Problem(
		response.status,
		detail,
		typeof body.type === 'string' ? body.type : '',
		fieldsOf(body.errors),
		retry > 0 ? retry : 0
	);
}

function fieldsOf(errors: unknown): Record<string, string> {
	const fields: Record<string, string> = {};
	if (!Array.isArray(errors)) return fields;
	for (const error of errors as { location?: unknown; message?: unknown }[]) {
		if (typeof error?.location === 'string' && typeof error.message === 'string')
			fields[error.location.replace(/^body\./, '')] ??= error.message;
	}
	return fields;
}

function sentence(status: number): string {
	if (status === 404) return 'This does not exist, or it is not yours.';
	if (status >= 500) return 'Something went wrong on our side. Try again in a moment.';
	return 'The request was refused.';
}

/** Returns what to tell people about any error. */
export function explain(error: unknown): string {
	return error instanceof Problem ? error.message : BROKEN_PAGE;
}

/** Returns what a form shows when it could not be sent. */
export function failureOf(error: unknown): { message: string; fields: Record<string, string> } {
	return { message: explain(error), fields: error instanceof Problem ? error.fields : {} };
}

/** Reports whether the same request may succeed later, so that a page may offer to try again. */
export function canRetry(error: unknown): boolean {
	return error instanceof Problem && retryable(error.status);
}

/** 0 stands for a server that could not be reached. */
export function retryable(status: number): boolean {
	return status === 0 || status === 429 || status >= 500;
}
