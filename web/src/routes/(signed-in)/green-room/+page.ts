import { attempt, automaticPatient } from '$lib/api';
import { scenario } from '$lib/api/catalogue';
import { retention } from '$lib/api/retention';
import { patientFrom } from '$lib/api/start';
import { partFrom } from '$lib/room/part';
import { startLoading } from '$lib/ui/loading.svelte';
import type { PatientKind } from '$lib/api/types';
import type { PageLoad } from './$types';

/** What is about to be played. */
interface About {
	title: string;
	hasDialogue: boolean;
	patient: PatientKind;
}

/**
 * ?scenario=slug&patient=kind begins a new attempt. With &straight there is no sound check when
 * that of before still holds; with &again the page also says why there is one. ?room=id&as=part
 * joins an attempt that exists.
 */
export const load: PageLoad = async ({ url, parent }) => {
	await parent();
	const slug = url.searchParams.get('scenario') ?? '';
	const room = url.searchParams.get('room') ?? '';
	const part = slug ? 'candidate' : partFrom(url.searchParams.get('as'));
	const patient = patientFrom(url.searchParams.get('patient'));
	const about = async (): Promise<About> => {
		if (slug) {
			const { title, has_dialogue } = await scenario(slug);
			return { title, hasDialogue: has_dialogue, patient };
		}
		if (!room) return { title: '', hasDialogue: false, patient };
		const { scenario_title, patient: kind, scenario: played } = await attempt(room);
		return { title: scenario_title, hasDialogue: played.has_dialogue, patient: kind };
	};
	const kept = startLoading(() => retention());
	const again = slug !== '' && url.searchParams.has('again');
	const straight = again || (slug !== '' && url.searchParams.has('straight'));
	const automatic = part === 'candidate' ? startLoading(() => automaticPatient()) : undefined;
	return {
		slug,
		room,
		part,
		patient,
		again,
		straight,
		about: startLoading(about),
		automatic,
		kept
	} as const;
};
