import type { AutomaticPatient, PatientKind } from './types';

/** Returns the address that begins a role play, without a second sound check if one holds. */
export function greenRoom(slug: string, patient: PatientKind): string {
	return `/green-room?scenario=${encodeURIComponent(slug)}&patient=${patient}&straight`;
}

/** Returns the kind of patient that an address asks for; anything unknown is a tutor. */
export function patientFrom(name: string | null): PatientKind {
	return name === 'automatic' || name === 'friend' ? name : 'tutor';
}

/** Says why the automatic patient cannot play; empty when it can, or while that is not known. */
export function whyNot(
	hasDialogue: boolean | undefined,
	patient: AutomaticPatient | undefined
): string {
	if (hasDialogue === false)
		return 'The automatic patient cannot play this one yet. Choose a tutor or a friend.';
	if (patient?.available === false)
		return 'No automatic patient is there at the moment. Choose a tutor or a friend, or come back later.';
	return '';
}

/** Says who hears the candidate of a role play with the automatic patient. */
export function whoHears({ recogniser }: AutomaticPatient): string {
	switch (recogniser) {
		case '':
			return '';
		case 'api':
			return 'A transcription service that the operator of this site has chosen hears what you say.';
		case 'browser':
			return 'Your own browser’s speech recognition hears what you say.';
		default:
			return 'Speech recognition on this server hears what you say. It sends your voice to nobody.';
	}
}
