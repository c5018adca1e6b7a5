// Requests about second factors, passkeys, and the archive and deletion of an account.

import type { PasskeyAnswer, PasskeyQuestion } from './factors';
import type { Export, Factors, Passkey, RecoveryCodes, TotpSecret } from './types';
import { call, get, send } from './http';
import { Problem } from './problem';
import { request } from './request';

const FACTORS = '/api/users/profile/factors';
const EXPORT = '/api/users/profile/export';

/** Asks for the challenge of a sign-in with a passkey. */
export async function passkeyChallenge(): Promise<
	PasskeyQuestion<PublicKeyCredentialRequestOptionsJSON>
> {
	return (await (
		await request('POST', '/auth/passkeys/begin', { body: {} })
	).json()) as PasskeyQuestion<PublicKeyCredentialRequestOptionsJSON>;
}

export const factors = (): Promise<Factors> => get(FACTORS);
export const beginTotp = (): Promise<TotpSecret> => send('POST', `${FACTORS}/totp`, {});
export const confirmTotp = (code: string): Promise<RecoveryCodes> =>
	send('POST', `${FACTORS}/totp/confirm`, { code });
export const removeTotp = (): Promise<void> => send('DELETE', `${FACTORS}/totp`);
export const newRecoveryCodes = (): Promise<RecoveryCodes> =>
	send('POST', `${FACTORS}/recovery-codes`, {});
export const beginPasskey = (): Promise<PasskeyQuestion<PublicKeyCredentialCreationOptionsJSON>> =>
	send('POST', `${FACTORS}/passkeys/begin`, {});
export const addPasskey = (name: string, answer: PasskeyAnswer): Promise<Passkey> =>
	send('POST', `${FACTORS}/passkeys`, { ...answer, name });
export const removePasskey = (id: string): Promise<void> =>
	send('DELETE', `${FACTORS}/passkeys/${encodeURIComponent(id)}`);

/** Returns the newest archive, or null when there is none. */
export async function newestExport(): Promise<Export | null> {
	try {
		return await get<Export>(EXPORT);
	} catch (error) {
		if (error instanceof Problem && error.status === 404) return null;
		throw error;
	}
}

export const requestExport = (): Promise<Export> => send('POST', EXPORT, {});
export const exportArchive = async (): Promise<Blob> =>
	(await call('GET', `${EXPORT}/archive`)).blob();
export const deleteAccount = (): Promise<void> => send('DELETE', '/api/users/profile');
