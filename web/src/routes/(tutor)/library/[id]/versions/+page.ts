import { past } from '$lib/library/history';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ params, parent }) => {
	await parent();
	return { past: startLoading(() => past(params.id)) };
};
