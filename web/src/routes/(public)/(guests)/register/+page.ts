import { registrationMode } from '$lib/api/account';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
	await parent();
	return { registration: startLoading(registrationMode) };
};
