import { invitation } from '$lib/api/invitations';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ params: { token }, parent }) => {
	await parent();
	return { token, invitation: startLoading(() => invitation(token)) };
};
