import type { Role } from '$lib/gen/protocol';

/** Reads the part that an address names; anything else is the candidate's. */
export function partFrom(name: string | null): Role {
	return name === 'patient' || name === 'observer' ? name : 'candidate';
}
