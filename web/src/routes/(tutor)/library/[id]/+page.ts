import { auth } from '$lib/api/auth.svelte';
import { openEditor } from '$lib/library/editor.svelte';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ params, parent }) => {
	await parent();
	return { editor: startLoading(() => openEditor(params.id, auth.user?.id ?? '')) };
};
