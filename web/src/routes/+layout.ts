import { auth } from '$lib/api/auth.svelte';
import type { LayoutLoad } from './$types';

// Pages are rendered in the browser only; the server sends the same document for each.
export const ssr = false;
export const prerender = false;

/** Finds out who is signed in. The groups' layouts wait for this, then decide who may see them. */
export const load: LayoutLoad = async () => auth.ready();
