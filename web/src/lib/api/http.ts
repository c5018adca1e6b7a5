import { auth, type Auth } from './auth.svelte';
import { Problem, problemOf, UNREACHABLE } from './problem';

export interface CallOptions {
	body?: object;
	signal?: AbortSignal;
}

/** Calls the REST interface as whoever is signed in. A token that the server no longer takes is replaced once. */
export async function call(method: 'GET' | 'POST', path: string, options: CallOptions = {}, as: Auth = auth, fetcher: typeof fetch = fetch): Promise<Response> {
	for (let again = true; ; again = false) {
		const token = await as.token();
		if (!token) throw new Problem(401, 'You are signed out. Sign in again to go on.');
		const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
		if (options.body) headers['Content-Type'] = 'application/json';
		let response: Response;
		try {
			response = await fetcher(path, { method, headers, body: options.body && JSON.stringify(options.body), signal: options.signal });
		} catch (error) {
			if (options.signal?.aborted) throw error;
			throw new Problem(0, UNREACHABLE);
		}
		if (response.ok) return response;
		if (response.status === 401 && again && (await as.refresh())) continue;
		throw await problemOf(response);
	}
}
