import { Problem, problemOf, UNREACHABLE } from './problem';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RequestOptions {
	/** An object is sent as JSON, a text as YAML. */
	body?: object | string;
	headers?: Record<string, string>;
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
	{ body, headers: more, token, signal }: RequestOptions = {},
	fetcher: typeof fetch = fetch
): Promise<Response> {
	const headers: Record<string, string> = { ...more };
	if (token) headers.Authorization = `Bearer ${token}`;
	const text = typeof body === 'string';
	if (body !== undefined)
		headers['Content-Type'] = text ? 'application/yaml' : 'application/json';
	let response: Response;
	try {
		response = await fetcher(path, {
			method,
			headers,
			body: text ? body : body && JSON.stringify(body),
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
