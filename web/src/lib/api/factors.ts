// Second factors, passkeys and the export of an account: shapes and calls.
import { ask } from './ask';
import { call, get, send } from './http';
import { Problem } from './problem';

/** What signing in answers when a password alone is not enough. */
export interface SecondStep {
	ticket: string;
	methods: ('totp' | 'recovery_code' | 'passkey')[];
	expires_in: number;
}

export interface SecondFactor {
	ticket: string;
	/** Six digits, or a recovery code. */
	code: string;
	refresh_in?: 'cookie' | 'body';
}

export interface PasskeyQuestion<Options> {
	ticket: string;
	options: Options;
}

export interface PasskeyAnswer {
	ticket: string;
	credential: PublicKeyCredentialJSON;
}

export interface Passkey {
	id: string;
	name: string;
	created_at: string;
	last_used_at?: string;
}

export interface Factors {
	totp: { enabled: boolean; since?: string };
	recovery_codes_left: number;
	passkeys: Passkey[];
	password: boolean;
}

/** What an app that shows codes is to be told: the secret, and the same as an otpauth address. */
export interface TotpSecret {
	secret: string;
	uri: string;
}

export interface RecoveryCodes {
	recovery_codes: string[];
}

export interface Export {
	id: string;
	state: 'queued' | 'running' | 'ready' | 'failed';
	/** From 0 to 1. */
	progress: number;
	created_at: string;
	expires_at: string;
	bytes?: number;
}

const FACTORS = '/api/users/profile/factors';
const EXPORT = '/api/users/profile/export';

/** Begins to sign in with a passkey. */
export async function askPasskey(): Promise<PasskeyQuestion<PublicKeyCredentialRequestOptionsJSON>> {
	return (await (await ask('POST', '/auth/passkeys/begin', { body: {} })).json()) as PasskeyQuestion<PublicKeyCredentialRequestOptionsJSON>;
}

export const factors = (): Promise<Factors> => get(FACTORS);
export const beginTotp = (): Promise<TotpSecret> => send('POST', `${FACTORS}/totp`, {});
export const confirmTotp = (code: string): Promise<RecoveryCodes> => send('POST', `${FACTORS}/totp/confirm`, { code });
export const removeTotp = (): Promise<void> => send('DELETE', `${FACTORS}/totp`);
export const newRecoveryCodes = (): Promise<RecoveryCodes> => send('POST', `${FACTORS}/recovery-codes`, {});
export const beginPasskey = (): Promise<PasskeyQuestion<PublicKeyCredentialCreationOptionsJSON>> => send('POST', `${FACTORS}/passkeys/begin`, {});
export const addPasskey = (name: string, answer: PasskeyAnswer): Promise<Passkey> => send('POST', `${FACTORS}/passkeys`, { ...answer, name });
export const removePasskey = (id: string): Promise<void> => send('DELETE', `${FACTORS}/passkeys/${encodeURIComponent(id)}`);

/** The newest export; null when none was ever asked for, or the last is gone. */
export async function newestExport(): Promise<Export | null> {
	try {
		return await get<Export>(EXPORT);
	} catch (error) {
		if (error instanceof Problem && error.status === 404) return null;
		throw error;
	}
}

export const askExport = (): Promise<Export> => send('POST', EXPORT, {});
export const exportArchive = async (): Promise<Blob> => (await call('GET', `${EXPORT}/archive`)).blob();
export const deleteAccount = (): Promise<void> => send('DELETE', '/api/users/profile');
