import { page } from '$app/state';
import { goto } from '$app/navigation';

/**
 * Returns the token of a mailed link and removes it from the address, so that the browser history
 * does not keep it. Empty when there is none.
 */
export function takeToken(): string {
	const token = new URLSearchParams(page.url.hash.slice(1)).get('token') ?? '';
	if (token)
		void goto(page.url.pathname, { replaceState: true, keepFocus: true, noScroll: true });
	return token;
}
