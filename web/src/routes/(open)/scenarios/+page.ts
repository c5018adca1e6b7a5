import { startCatalogue } from '$lib/practice/catalogue.svelte';
import { filtersOf } from '$lib/practice/query';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ url, parent }) => {
	const query = filtersOf(url.searchParams); // before the wait, so that it is tracked
	await parent();
	return { found: startCatalogue(query) };
};
