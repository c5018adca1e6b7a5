import { exam } from '$lib/api/exams';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ params: { id }, parent }) => {
	await parent();
	return { exam: startLoading(() => exam(id)) };
};
