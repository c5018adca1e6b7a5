// Second factors, passkeys and the export of an account: the shapes.

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
	/** Absent where the server takes none. */
	passkeys?: Passkey[];
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
