import type { Utterance } from '$lib/api/types';

/** Below this the recogniser was so unsure that the words are likely to be wrong. */
const UNSURE = 0.4;

/** Says what else is to know of an utterance, beside its words. */
export function remarks(u: Utterance): string[] {
	const list: string[] = [];
	if (u.typed) list.push('typed');
	if (u.cut) list.push('interrupted');
	if (u.understood?.outcome === 'confirm') list.push('the patient asked what you meant');
	if (u.understood?.outcome === 'repair') list.push('not understood');
	else if (u.confidence !== undefined && u.confidence < UNSURE) list.push('hard to hear');
	if (u.revealed?.length) list.push('the patient told you something new');
	return list;
}
