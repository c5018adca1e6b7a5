import { registrationMode } from '$lib/api/account';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ parent }) => {
	await parent();
	return { registration: await registrationMode() };
};
