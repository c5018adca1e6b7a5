import { attempt } from '$lib/api';
import { partFrom } from '$lib/room/part';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

/** ?as= names the part that the reader takes. */
export const load: PageLoad = async ({ params: { id }, url, parent }) => {
	await parent();
	return {
		part: partFrom(url.searchParams.get('as')),
		attempt: startLoading(() => attempt(id))
	};
};
