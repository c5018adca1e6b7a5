import { page } from '$app/state';
import { goto } from '$app/navigation';

/** Takes the token of a mailed link out of the address, so that it stays in no history; empty when there is none. */
export function takeToken(): string {
	const token = new URLSearchParams(page.url.hash.slice(1)).get('token') ?? '';
	if (token)
		void goto(page.url.pathname, { replaceState: true, keepFocus: true, noScroll: true });
	return token;
}
