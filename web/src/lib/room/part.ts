import type { Role } from '$lib/gen/protocol';

/** Returns the part that an address asks for; anything unknown means the candidate. */
export function partFrom(name: string | null): Role {
	return name === 'patient' || name === 'observer' ? name : 'candidate';
}
