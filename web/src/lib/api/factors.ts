// What is asked of a passkey, and its answer. Their shapes are WebAuthn's, which the server's description leaves open.

export interface PasskeyQuestion<Options> {
	ticket: string;
	options: Options;
}

export interface PasskeyAnswer {
	ticket: string;
	credential: PublicKeyCredentialJSON;
}
