import { createHmac } from 'node:crypto';

/**
 * Returns the code of an authenticator app (RFC 6238). `steps` is the number of half minutes to
 * look ahead.
 */
export function totp(secret: string, steps = 0): string {
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
	const digest = createHmac('sha1', base32(secret)).update(counter).digest();
	const at = (digest.at(-1) ?? 0) & 15;
	return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

function base32(text: string): Buffer {
	const bits = [...text.replace(/\s/g, '')]
		.map((mail) =>
			'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(mail).toString(2).padStart(5, '0')
		)
		.join('');
	return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}
