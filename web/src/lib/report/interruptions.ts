import type { Interruption, Report, Speaker } from '$lib/api/types';

/** Names each cause, as people would. */
const CAUSES: Record<Interruption['cause'], string> = {
	server_restarted: 'server restarted',
	connection_lost: 'connection lost',
	storage: 'sound not stored',
	page_hidden: 'page in the background',
	muted: 'muted',
	clock_stopped: 'clock stopped'
};

export const causeWords = ({ cause }: Interruption): string => CAUSES[cause];

/** Returns how long an interruption was: "4 s", "0.6 s", "42 s". */
export function lengthWords({ from_s, to_s }: Interruption): string {
	const seconds = to_s - from_s;
	return `${seconds < 9.95 ? seconds.toFixed(1).replace('.0', '') : seconds.toFixed(0)} s`;
}

/** Says what happened: "connection lost 4 s, not counted". */
export function inWords(interruption: Interruption): string {
	return `${causeWords(interruption)} ${lengthWords(interruption)}, not counted`;
}

/** The width of a letter of a label, and the room beside it, in pixels. */
const LETTER = 5.7;
const MARGIN = 12;

/**
 * Returns the label for an interruption that is drawn with a width: all its words, fewer, or none
 * when there is no room for them.
 */
export function label(interruption: Interruption, width: number): string {
	const whole = inWords(interruption);
	const short = `${causeWords(interruption)} ${lengthWords(interruption)}`;
	return [whole, short].find((text) => text.length * LETTER + MARGIN <= width) ?? '';
}

export interface Listed extends Interruption {
	speaker: Speaker;
}

/** Lists the interruptions of all speakers in order of time. */
export function interruptionsOf(report: Report): Listed[] {
	return report.speakers
		.flatMap((s) => s.interruptions.map((i) => ({ ...i, speaker: s.speaker })))
		.sort((a, b) => a.from_s - b.from_s);
}
