import { request, type Method } from './request';
import { auth, type Auth } from './auth.svelte';
import { Problem } from './problem';

export interface CallOptions {
	body?: object | string;
	headers?: Record<string, string>;
	signal?: AbortSignal;
	/** The request is made without a token when nobody is signed in. */
	guests?: boolean;
}

/** Calls the REST API as the signed-in user. An expired token is replaced once. */
export async function call(
	method: Method,
	path: string,
	{ guests = false, ...options }: CallOptions = {},
	as: Auth = auth,
	fetcher: typeof fetch = fetch
): Promise<Response> {
	for (let again = true; ; again = false) {
		if (guests && as.status === 'out') return request(method, path, options, fetcher);
		const token = await as.token();
		if (!token) throw new Problem(401, 'You are signed out. Sign in again to go on.');
		try {
			return await request(method, path, { ...options, token }, fetcher);
		} catch (error) {
			if (
				error instanceof Problem &&
				error.status === 401 &&
				again &&
				(await as.refresh(token))
			)
				continue;
			throw error;
		}
	}
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
	return (await (await call('GET', path, { signal })).json()) as T;
}

/** Sends a body and returns the answer, or undefined for an empty one. */
export async function send<T = void>(
	method: Exclude<Method, 'GET'>,
	path: string,
	body?: object
): Promise<T> {
	const response = await call(method, path, { body });
	return (response.status === 204 ? undefined : await response.json()) as T;
}
