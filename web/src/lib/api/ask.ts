import { Problem, problemOf, UNREACHABLE } from './problem';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Asking {
	body?: object;
	token?: string;
	signal?: AbortSignal;
}

/** One request to the server. Whatever is no success, an absent server included, is thrown as a Problem; only an abort is thrown as it is. */
export async function ask(
	method: Method,
	path: string,
	{ body, token, signal }: Asking = {},
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
