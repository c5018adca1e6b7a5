import { request } from '$lib/api/request';
import type { AttemptDetail, Report } from '$lib/api/types';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';
import sample from './sample/sample.json?url';

interface Sample {
	attempt: AttemptDetail;
	report: Report;
}

/** `npm run sample` makes the files of the sample. */
export const load: PageLoad = async ({ parent }) => {
	await parent();
	return {
		sample: startLoading(async () => (await (await request('GET', sample)).json()) as Sample)
	};
};
