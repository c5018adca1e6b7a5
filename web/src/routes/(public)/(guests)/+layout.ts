import { auth } from '$lib/api/auth.svelte';
import { requireGuest } from '$lib/shell/guard';
import type { LayoutLoad } from './$types';

export const load: LayoutLoad = async ({ parent, url }) => {
	await parent();
	requireGuest(auth, url);
};
