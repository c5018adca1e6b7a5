import { retention } from '$lib/api/retention';
import { newestExport } from '$lib/api/security';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
	await parent();
	return { archive: startLoading(newestExport), kept: startLoading(() => retention()) };
};
