import { attempt } from '$lib/api';
import { scenario } from '$lib/api/catalogue';
import { retention } from '$lib/api/retention';
import { partFrom } from '$lib/room/part';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

/**
 * ?scenario=slug begins a new attempt, with &again without a second sound check; ?room=id&as=part
 * joins one that exists.
 */
export const load: PageLoad = async ({ url, parent }) => {
	await parent();
	const slug = url.searchParams.get('scenario') ?? '';
	const room = url.searchParams.get('room') ?? '';
	const part = slug ? 'candidate' : partFrom(url.searchParams.get('as'));
	const title = async () => {
		if (slug) return (await scenario(slug)).title;
		return room ? (await attempt(room)).scenario_title : '';
	};
	const kept = startLoading(() => retention());
	const again = slug !== '' && url.searchParams.has('again');
	return { slug, room, part, again, title: startLoading(title), kept } as const;
};
