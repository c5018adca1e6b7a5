import type { Span } from '$lib/api/types';

/** Speech of the patient that is longer than this makes a silence a turn, not a pause. */
const TURN_S = 0.3;

/** Returns the silences in which the patient does not speak. Both lists are in order. */
export function ownPauses(silences: readonly Span[], patient: readonly Span[]): Span[] {
	let first = 0;
	return silences.filter((silence) => {
		while ((patient[first]?.end_s ?? Infinity) <= silence.start_s) first++;
		let spoken = 0;
		for (let i = first; i < patient.length; i++) {
			const speech = patient[i];
			if (!speech || speech.start_s >= silence.end_s) break;
			spoken +=
				Math.min(speech.end_s, silence.end_s) - Math.max(speech.start_s, silence.start_s);
		}
		return spoken < TURN_S;
	});
}
