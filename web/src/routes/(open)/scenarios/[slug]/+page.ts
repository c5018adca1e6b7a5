import { attempts, automaticPatient } from '$lib/api';
import { auth } from '$lib/api/auth.svelte';
import { progress, scenario } from '$lib/api/catalogue';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ params: { slug }, parent }) => {
	await parent();
	const own = auth.status === 'in';
	return {
		scenario: startLoading(() => scenario(slug)),
		patient: own ? startLoading(() => automaticPatient()) : undefined,
		progress: own ? startLoading(() => progress(slug)) : undefined,
		attempts: own
			? startLoading(async () => (await attempts({ scenario: slug })).items)
			: undefined
	};
};
