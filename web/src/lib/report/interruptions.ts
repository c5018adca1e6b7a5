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

/** Says what happened: "connection lost 4 s, not counted". */
export function inWords(interruption: Interruption): string {
	const seconds = interruption.to_s - interruption.from_s;
	const length = seconds < 9.95 ? seconds.toFixed(1).replace('.0', '') : seconds.toFixed(0);
	return `${CAUSES[interruption.cause]} ${length} s, not counted`;
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
