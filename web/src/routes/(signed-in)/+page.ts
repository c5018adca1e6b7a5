import { attempts, scenarios } from '$lib/api';
import { startLoading } from '$lib/ui/loading.svelte';
import { startPaged } from '$lib/ui/paged.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
	await parent();
	return { scenarios: startLoading(scenarios), attempts: startPaged(attempts) };
};
