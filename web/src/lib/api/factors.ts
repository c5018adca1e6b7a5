// The challenge for a passkey, and its answer. The OpenAPI description leaves their shapes to
// WebAuthn.

export interface PasskeyQuestion<Options> {
	ticket: string;
	options: Options;
}

export interface PasskeyAnswer {
	ticket: string;
	credential: PublicKeyCredentialJSON;
}
