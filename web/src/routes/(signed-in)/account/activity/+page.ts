import { activity } from '$lib/api/account';
import { startPaged } from '$lib/ui/paged.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
	await parent();
	return { activity: startPaged(activity) };
};
