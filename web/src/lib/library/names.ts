/** What the form calls the keys of a scenario document. */
const NAMES: Record<string, string> = {
	slug: 'Slug',
	title: 'Title',
	profession: 'Profession',
	summary: 'Summary',
	difficulty: 'Difficulty',
	setting: 'Setting',
	clinical_focus: 'Clinical focus',
	criteria: 'Criteria it trains',
	indicators: 'Indicators',
	tags: 'Tags',
	picture: 'Picture',
	alt: 'What it shows',
	prepare_seconds: 'Seconds to prepare',
	play_seconds: 'Seconds to play',
	candidate_card: 'The candidate’s card',
	interlocutor_card: 'The patient’s card',
	role: 'Role',
	background: 'Background',
	tasks: 'Tasks',
	text: 'Task',
	id: 'Name in the dialogue',
	covered_by: 'Covered by',
	name: 'Name and age',
	mood: 'Mood',
	lines: 'Lines to say in any case',
	conditional: 'Lines for when something happens',
	when: 'When the candidate has …',
	say: 'Says',
	hidden: 'Hidden facts',
	fact: 'What is kept back',
	reveal: 'What earns it',
	cues: 'Cues',
	means: 'What lies behind it',
	follow: 'What a good candidate answers',
	softening: 'How the patient relents',
	strong: 'What a strong candidate does',
	model: 'Model performance',
	who: 'Who',
	shows: 'Shows'
};

/** What one entry of a list is called, for its buttons. */
const ENTRIES: Record<string, string> = {
	tasks: 'task',
	lines: 'line',
	conditional: 'line',
	hidden: 'hidden fact',
	cues: 'cue',
	strong: 'sentence',
	model: 'turn',
	shows: 'indicator',
	tags: 'tag',
	covered_by: 'reference'
};

export const nameOf = (key: string): string => NAMES[key] ?? key;
export const entryOf = (key: string): string => ENTRIES[key] ?? 'entry';

/** Returns a slug in words: general-practice is General practice. */
export function inWords(slug: string): string {
	const words = slug.replaceAll('-', ' ');
	return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Returns the slug of a title. */
export const slugOf = (title: string): string =>
	title
		.toLowerCase()
		.normalize('NFD')
		.replace(/\p{M}/gu, '')
		.replace(/[^a-z0-9]+/g, '-')
		.replace(/^-+|-+$/g, '')
		.slice(0, 70)
		.replace(/-+$/, '');
