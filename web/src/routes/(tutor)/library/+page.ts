import {
	library,
	type LibraryFilter,
	type LibraryItem,
	type LibraryState
} from '$lib/api/library';
import { startPaged } from '$lib/ui/paged.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent, url }) => {
	await parent();
	const state = url.searchParams.get('state') ?? '';
	const filter: LibraryFilter = {
		state: (['draft', 'archived'].includes(state) ? state : 'published') as LibraryState,
		q: url.searchParams.get('q') ?? '',
		profession: url.searchParams.get('profession') ?? ''
	};
	return { filter, list: startPaged<LibraryItem>((next) => library(filter, next)) };
};
