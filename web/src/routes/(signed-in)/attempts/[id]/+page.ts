import { attempt } from '$lib/api';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ params: { id }, parent }) => {
	await parent();
	return { attempt: startLoading(() => attempt(id)) };
};
