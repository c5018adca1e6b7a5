import { automaticPatient } from '$lib/api';
import { auth } from '$lib/api/auth.svelte';
import { overview } from '$lib/api/catalogue';
import { exams } from '$lib/api/exams';
import { startCatalogue } from '$lib/practice/catalogue.svelte';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
	await parent();
	const profession = auth.user?.profession;
	return {
		overview: startLoading(overview),
		exams: startLoading(() => exams()),
		patient: startLoading(() => automaticPatient()),
		found: startCatalogue(new URLSearchParams(profession ? { profession } : {}))
	};
};
