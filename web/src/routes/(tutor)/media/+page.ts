import { library } from '$lib/api/media';
import { startPaged } from '$lib/ui/paged.svelte';
import type { PageLoad } from './$types';

const KINDS = ['scenario', 'line'] as const;

export const load: PageLoad = async ({ parent, url }) => {
	const kind = KINDS.find((k) => k === url.searchParams.get('kind')) ?? '';
	await parent();
	return { kind, media: startPaged((before) => library(kind, before)) };
};
