import { Problem, problemOf, UNREACHABLE } from './problem';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RequestOptions {
	body?: object;
	token?: string;
	signal?: AbortSignal;
}

/**
 * Sends one request. Any failure is thrown as a Problem, with status 0 when there was no answer;
 * only an abort is thrown as it is.
 */
export async function request(
	method: Method,
	path: string,
	{ body, token, signal }: RequestOptions = {},
	fetcher: typeof fetch = fetch
): Promise<Response> {
	const headers: Record<string, string> = {};
	if (token) headers.Authorization = `Bearer ${token}`;
	if (body) headers['Content-Type'] = 'application/json';
	let response: Response;
	try {
		response = await fetcher(path, {
			method,
			headers,
			body: body && JSON.stringify(body),
			signal,
			credentials: 'same-origin'
		});
	} catch (error) {
		if (signal?.aborted) throw error;
		throw new Problem(0, UNREACHABLE);
	}
	if (!response.ok) throw await problemOf(response);
	return response;
}
