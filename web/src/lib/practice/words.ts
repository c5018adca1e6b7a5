// The words for what scenarios are about.

const CRITERIA: Record<string, { name: string; words: string }> = {
	intelligibility: {
		name: 'Being easy to understand',
		words: 'Clear sounds, and stress and rhythm that help the listener.'
	},
	fluency: {
		name: 'Speaking fluently',
		words: 'A steady pace, with pauses where a thought ends.'
	},
	appropriateness: {
		name: 'Fitting language',
		words: 'Plain words instead of jargon, and the right tone for this person.'
	},
	grammar: {
		name: 'Grammar and expression',
		words: 'A wide range of sentences and words, used correctly.'
	},
	relationship: {
		name: 'Building a relationship',
		words: 'Open well, listen without judging, and answer the feeling that you hear.'
	},
	perspective: {
		name: 'Understanding their view',
		words: 'Ask for ideas and worries, pick up cues, and come back to them.'
	},
	structure: {
		name: 'Giving structure',
		words: 'Keep a logical order, and say when you change the topic.'
	},
	gathering: {
		name: 'Gathering information',
		words: 'Open questions first, one at a time; then sum up and check.'
	},
	giving: {
		name: 'Giving information',
		words: 'Find out what they know, explain in small steps, and check what they understood.'
	}
};

/** Returns the name of a criterion of the test. */
export const criterionName = (criterion: string): string =>
	CRITERIA[criterion]?.name ?? plain(criterion);

/** Says what one does to be good at a criterion. */
export const criterionWords = (criterion: string): string => CRITERIA[criterion]?.words ?? '';

const INDICATORS: Record<string, string> = {
	A1: 'Open in a suitable way',
	A2: 'Be attentive and respectful',
	A3: 'Do not judge',
	A4: 'Show empathy for the feeling',
	B1: 'Ask for ideas, concerns and expectations',
	B2: 'Pick up cues',
	B3: 'Tie explanations to their view',
	C1: 'Keep a logical order',
	C2: 'Say when you change the topic',
	C3: 'Organise what you explain',
	D1: 'Let them talk',
	D2: 'Ask open questions, then closed ones',
	D3: 'Ask one thing at a time',
	D4: 'Clarify what is vague',
	D5: 'Sum up and invite corrections',
	E1: 'Find out what they know',
	E2: 'Explain in small steps, with pauses',
	E3: 'Invite reactions',
	E4: 'Check what they understood',
	E5: 'Ask what else they need'
};

/** Says what an indicator of the test's assessors asks for. */
export const indicatorName = (indicator: string): string => INDICATORS[indicator] ?? indicator;

/** Returns a slug as words: Home visit for home-visit. */
export const plain = (slug: string): string =>
	slug.charAt(0).toUpperCase() + slug.slice(1).replaceAll('-', ' ');

/** Says how long something took altogether: 25 minutes, 3 h 20 min. */
export function lasted(seconds: number): string {
	const minutes = Math.round(seconds / 60);
	if (minutes < 60) return `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
	return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Says how many days there are until the test. */
export function untilTest(days: number): string {
	if (days === 0) return 'Your test is today';
	return days === 1 ? 'Your test is tomorrow' : `${days} days to your test`;
}
