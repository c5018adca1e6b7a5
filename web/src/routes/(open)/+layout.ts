import { auth } from '$lib/api/auth.svelte';
import { requireAnswer } from '$lib/shell/guard';
import type { LayoutLoad } from './$types';

/** These pages are for everybody. They wait until it is known who is signed in. */
export const load: LayoutLoad = async ({ parent }) => {
	await parent();
	requireAnswer(auth);
};
