import { scenario } from '$lib/api';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ params: { slug }, parent }) => {
	await parent();
	return { scenario: startLoading(() => scenario(slug)) };
};
