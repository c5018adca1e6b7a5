import { startAccountSearch } from '$lib/admin/search.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
	await parent();
	return { search: startAccountSearch() };
};
