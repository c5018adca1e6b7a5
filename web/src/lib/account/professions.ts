import { professionName, PROFESSIONS } from '$lib/api/professions';

/** Stands for "no profession": the choice takes no empty value. */
export const NO_PROFESSION = 'none';

export const professionItems = [
	{ value: NO_PROFESSION, label: 'Rather not say' },
	...PROFESSIONS.map((slug) => ({ value: slug, label: professionName(slug) }))
];
