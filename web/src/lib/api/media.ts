// Requests about pictures and sounds.
import { auth, type Auth } from './auth.svelte';
import { get, send } from './http';
import { Problem, problemOf, UNREACHABLE } from './problem';
import type { Media, MediaKind, MediaPage } from './types';

export interface UploadOptions {
	/** What a picture shows, or what a line says. */
	alt?: string;
	/** Is called with the part of the file that has arrived, from 0 to 1. */
	onprogress?: (part: number) => void;
	/** Ends the upload; the promise is then rejected with the signal's reason. */
	signal?: AbortSignal;
}

/** Uploads a picture or a sound. Any failure is thrown as a Problem, except for an abort. */
export async function upload(
	file: Blob,
	kind: MediaKind,
	options: UploadOptions = {},
	as: Auth = auth
): Promise<Media> {
	for (let again = true; ; again = false) {
		const token = await as.token();
		if (!token) throw new Problem(401, 'You are signed out. Sign in again to go on.');
		try {
			return await sendFile(file, kind, options, token);
		} catch (error) {
			const expired = error instanceof Problem && error.status === 401;
			if (!expired || !again || !(await as.refresh(token))) throw error;
		}
	}
}

/** fetch does not tell how much has been sent; XMLHttpRequest does. */
function sendFile(
	file: Blob,
	kind: MediaKind,
	{ alt = '', onprogress, signal }: UploadOptions,
	token: string
): Promise<Media> {
	const form = new FormData();
	form.append('kind', kind);
	form.append('alt', alt);
	form.append('file', file);
	return new Promise((resolve, reject) => {
		if (signal?.aborted) return reject(signal.reason as Error);
		const xhr = new XMLHttpRequest();
		const abort = () => {
			xhr.abort();
			reject(signal?.reason as Error);
		};
		signal?.addEventListener('abort', abort, { once: true });
		xhr.upload.onprogress = (event) => {
			if (event.lengthComputable) onprogress?.(event.loaded / event.total);
		};
		xhr.onloadend = () => {
			signal?.removeEventListener('abort', abort);
			if (xhr.status === 201) return resolve(JSON.parse(xhr.responseText) as Media);
			if (xhr.status === 0) return reject(new Problem(0, UNREACHABLE));
			void problemOf(answerOf(xhr)).then(reject, reject);
		};
		xhr.open('POST', '/api/protected/media/upload');
		xhr.setRequestHeader('Authorization', `Bearer ${token}`);
		xhr.send(form);
	});
}

function answerOf(xhr: XMLHttpRequest): Response {
	const headers = new Headers();
	for (const name of ['content-type', 'retry-after']) {
		const value = xhr.getResponseHeader(name);
		if (value) headers.set(name, value);
	}
	return new Response(xhr.responseText, { status: xhr.status, headers });
}

/** Returns a page of the library, newest first. `before` is the `next` of the page before. */
export function library(kind: '' | MediaKind, before = ''): Promise<MediaPage> {
	const query = new URLSearchParams({ ...(kind && { kind }), ...(before && { before }) });
	return get(`/api/media${query.size > 0 ? `?${query}` : ''}`);
}

export const deleteMedia = (id: string): Promise<void> =>
	send('DELETE', `/api/media/${encodeURIComponent(id)}`);

/** Adds a size to an address that the API has given. */
export const sized = (url: string, size: 'small' | 'medium' | 'large'): string =>
	`${url}${url.includes('?') ? '&' : '?'}size=${size}`;
