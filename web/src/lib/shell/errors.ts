import { explain, Problem } from '$lib/api/problem';

/** What a page says instead of its content. */
export interface ErrorWords {
	title: string;
	message: string;
}

/** Returns the status of an error for `errorWords`: 0 for no answer, 500 for a bug in the page. */
export function statusOf(error: unknown): number {
	return error instanceof Problem ? error.status : 500;
}

/** Chooses the words for an error with the status of an HTTP answer; 0 stands for no answer. */
export function errorWords(status: number, message: string): ErrorWords {
	switch (status) {
		case 0:
			return { title: 'Bedside is not answering', message };
		case 403:
			return { title: 'This page is not for your account', message };
		case 404:
			return {
				title: 'Not found',
				message: 'The address may be mistyped, or what was here has been removed.'
			};
		case 429:
			return { title: 'Too many requests', message };
		default:
			return { title: 'This page could not be shown', message };
	}
}

/** The same for an error that a page caught. */
export function wordsOf(error: unknown): ErrorWords {
	return errorWords(statusOf(error), explain(error));
}
