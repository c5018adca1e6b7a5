import type { Span } from '$lib/api/types';

/** As long as this the patient must speak in a silence of the candidate's for it to be a turn and no pause. */
const TURN_S = 0.3;

/** The candidate's silences that are pauses of their own: in the others the patient has the floor. Both lists are in order. */
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
