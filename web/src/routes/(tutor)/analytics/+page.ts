import { practice } from '$lib/api/progress';
import { readFilter, writeFilter } from '$lib/progress/filter';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent, url }) => {
	await parent();
	const filter = readFilter(url.searchParams);
	return { filter, practice: startLoading(() => practice(writeFilter(filter))) };
};
