import type { PasskeyAnswer, PasskeyQuestion } from '$lib/api/factors';
import { Problem } from '$lib/api/problem';

const BARE_ADDRESS = /^[\d.]+$|^\[/;

/**
 * Reports whether this browser can use passkeys at this address. Passkeys belong to a host name,
 * so a numeric address has none.
 */
export function passkeysWork(): boolean {
	const able =
		typeof PublicKeyCredential !== 'undefined' &&
		typeof PublicKeyCredential.parseRequestOptionsFromJSON === 'function';
	return able && window.isSecureContext && !BARE_ADDRESS.test(location.hostname);
}

/** Asks the browser for an existing passkey. */
export async function usePasskey({
	ticket,
	options
}: PasskeyQuestion<PublicKeyCredentialRequestOptionsJSON>): Promise<PasskeyAnswer> {
	return answer(ticket, () =>
		navigator.credentials.get({
			publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)
		})
	);
}

/** Makes the browser create a passkey. */
export async function makePasskey({
	ticket,
	options
}: PasskeyQuestion<PublicKeyCredentialCreationOptionsJSON>): Promise<PasskeyAnswer> {
	return answer(ticket, () =>
		navigator.credentials.create({
			publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)
		})
	);
}

async function answer(
	ticket: string,
	from: () => Promise<Credential | null>
): Promise<PasskeyAnswer> {
	let credential: Credential | null;
	try {
		credential = await from();
	} catch (error) {
		throw new Problem(0, words(error));
	}
	if (!(credential instanceof PublicKeyCredential)) throw new Problem(0, words(undefined));
	return { ticket, credential: credential.toJSON() };
}

/** Returns what to tell the reader when the browser returned no passkey. */
export function words(error: unknown): string {
	switch (error instanceof DOMException ? error.name : '') {
		case 'NotAllowedError':
		case 'AbortError':
			return 'No passkey was used. Try again, and follow what your browser asks for.';
		case 'InvalidStateError':
			return 'This device has a passkey for your account already.';
		case 'SecurityError':
			return 'Passkeys do not work at this address. Open Bedside by its host name, over https.';
		default:
			return 'Your browser could not use a passkey. Try again, or sign in with your password.';
	}
}
