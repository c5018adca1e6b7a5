import { speechWorkers } from '$lib/api';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
	await parent();
	return { workers: startLoading(speechWorkers) };
};
