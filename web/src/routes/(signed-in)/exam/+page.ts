import { exams } from '$lib/api/exams';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
	await parent();
	return { exams: startLoading(() => exams()) };
};
