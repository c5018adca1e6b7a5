import { Problem } from '$lib/api/problem';
import { expect, it, vi } from 'vitest';
import { Declined, Prover } from './proof.svelte';

const required = () =>
	new Problem(
		403,
		'First prove that it is you.',
		'urn:bedside:problem:reauthentication-required'
	);
/** A server that requires a proof. */
function server() {
	let proven = false;
	const prover = new Prover(async (password) => {
		if (password !== 'right')
			throw new Problem(
				403,
				'The password is wrong.',
				'urn:bedside:problem:wrong-credentials'
			);
		proven = true;
	});
	const act = vi.fn(async () => {
		if (!proven) throw required();
		return 'done';
	});
	return { prover, act };
}

it('repeats the refused request after a proof', async () => {
	const { prover, act } = server();
	const result = prover.run(act);
	await vi.waitUntil(() => prover.open);
	await expect(prover.prove('wrong')).rejects.toThrow('The password is wrong.');
	expect(prover.open).toBe(true);
	await prover.prove('right');
	expect(await result).toBe('done');
	expect([prover.open, act.mock.calls.length]).toEqual([false, 2]);
});

it('asks for no proof when the last one is recent', async () => {
	const { prover, act } = server();
	await prover.prove('right');
	expect(await prover.run(act)).toBe('done');
	expect(prover.open).toBe(false);
});

it('throws Declined when the reader declines', async () => {
	const { prover, act } = server();
	const result = prover.run(act);
	await vi.waitUntil(() => prover.open);
	prover.decline();
	await expect(result).rejects.toBeInstanceOf(Declined);
	expect(act).toHaveBeenCalledTimes(1);
});

it('passes other refusals on', async () => {
	const { prover } = server();
	await expect(
		prover.run(() => Promise.reject(new Problem(403, 'No.', 'urn:bedside:problem:forbidden')))
	).rejects.toThrow('No.');
});

it('shows one dialog at a time', async () => {
	const { prover, act } = server();
	const first = prover.run(act);
	await vi.waitUntil(() => prover.open);
	const second = prover.run(act);
	await expect(first).rejects.toBeInstanceOf(Declined);
	await vi.waitUntil(() => prover.open);
	await prover.prove('right');
	expect(await second).toBe('done');
});
