import { auth } from '$lib/api/auth.svelte';
import { requireRole } from '$lib/shell/guard';
import type { LayoutLoad } from './$types';

export const load: LayoutLoad = async ({ parent, url }) => {
	await parent();
	requireRole(auth, url, ['candidate', 'tutor', 'admin']);
};
