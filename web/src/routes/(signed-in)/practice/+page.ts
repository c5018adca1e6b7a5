import { attempts } from '$lib/api';
import { overview } from '$lib/api/catalogue';
import type { AttemptState } from '$lib/api/types';
import { startLoading } from '$lib/ui/loading.svelte';
import { startPaged } from '$lib/ui/paged.svelte';
import type { PageLoad } from './$types';

/** ?state= and ?scenario= filter the list. */
export const load: PageLoad = async ({ url, parent }) => {
	const filter = {
		state: (url.searchParams.get('state') ?? '') as AttemptState | '',
		scenario: url.searchParams.get('scenario') ?? ''
	};
	await parent();
	return {
		filter,
		overview: startLoading(overview),
		attempts: startPaged((before) => attempts(filter, before))
	};
};
