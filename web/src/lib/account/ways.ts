import type { Factors } from '$lib/api/types';

/** A way to prove who changes the password. */
export type ProofKind = 'password' | 'app' | 'recovery' | 'passkey';

/**
 * Returns the ways that an account has, the password first. Without an answer of the server, and
 * for an account that has nothing else, that is the only one.
 */
export function proofItems(
	factors: Factors | undefined,
	passkeysWork: boolean
): { value: ProofKind; label: string }[] {
	const items: { value: ProofKind; label: string }[] = [
		{ value: 'password', label: 'With the current password' }
	];
	if (factors?.totp.enabled)
		items.push({ value: 'app', label: 'With a code from your app' });
	if (factors?.totp.enabled && factors.recovery_codes_left > 0)
		items.push({ value: 'recovery', label: 'With a recovery code' });
	if (factors && factors.passkeys.length > 0 && passkeysWork)
		items.push({ value: 'passkey', label: 'With a passkey' });
	return items;
}
