import { explain, Problem } from '$lib/api/problem';
import { installWorker } from '$lib/shell/worker';
import type { ClientInit, HandleClientError } from '@sveltejs/kit';

export const init: ClientInit = () => installWorker();

/** Puts an unexpected error of a load function into words for the error page. */
export const handleError: HandleClientError = ({ error, status, message }) => {
	if (status === 404) return { message, status };
	if (error instanceof Problem) return { message: explain(error), status: error.status };
	return { message: explain(error) };
};
