import { expect, it } from 'vitest';
import type { Factors } from '$lib/api/types';
import { proofItems } from './ways';

const factors = (enabled: boolean, codes: number, passkeys: number): Factors => ({
	password: true,
	totp: { enabled },
	recovery_codes_left: codes,
	passkeys: Array.from({ length: passkeys }, (_, i) => ({
		id: String(i),
		name: 'A passkey',
		created_at: '2026-05-01T08:00:00Z'
	}))
});

it('offers the ways of the account to prove who changes its password', () => {
	const ways = (...[of, work = true]: [Factors | undefined, boolean?]) =>
		proofItems(of, work).map((item) => item.value);
	expect(ways(undefined)).toEqual(['password']);
	expect(ways(factors(false, 0, 0))).toEqual(['password']);
	expect(ways(factors(true, 3, 1))).toEqual(['password', 'app', 'recovery', 'passkey']);
	expect(ways(factors(true, 0, 0))).toEqual(['password', 'app']);
	expect(ways(factors(false, 0, 2))).toEqual(['password', 'passkey']);
	expect(ways(factors(false, 0, 2), false)).toEqual(['password']);
});
