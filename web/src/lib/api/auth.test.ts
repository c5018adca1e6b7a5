import { describe, expect, it } from 'vitest';
import { Auth, type AuthEnvironment } from './auth.svelte';
import { call } from './http';
import { explain, Problem } from './problem';

const user = { id: 'u1', email: 'a@b.example', name: 'Ana', role: 'candidate', profession: '' };

function json(status: number, body: object): Response {
	return new Response(JSON.stringify(body), {
		status,
		headers: { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' }
	});
}

interface Asked {
	path: string;
	body: unknown;
}

interface Turn {
	clientId: string;
	name: string;
	begin: () => void;
}

/** Web Locks with one name, for tabs with ids. */
function turns() {
	const queue: Turn[] = [];
	let held = false;
	const next = () => {
		const turn = held ? undefined : queue.shift();
		if (turn) turn.begin();
	};
	return (clientId: string) => ({
		query: async () => ({
			held: [],
			pending: queue.map(({ clientId, name }) => ({
				clientId,
				name,
				mode: 'exclusive' as const
			}))
		}),
		request: (
			name: string,
			{ signal }: { signal: AbortSignal },
			work: () => Promise<unknown>
		) =>
			new Promise((resolve, reject) => {
				const turn: Turn = {
					clientId,
					name,
					begin: () => {
						held = true;
						void Promise.resolve(work())
							.then(resolve, reject)
							.finally(() => {
								held = false;
								next();
							});
					}
				};
				signal.addEventListener('abort', () => {
					const place = queue.indexOf(turn);
					if (place < 0) return;
					queue.splice(place, 1);
					reject(new DOMException('', 'AbortError'));
				});
				queue.push(turn);
				next();
			})
	});
}

/**
 * A server, a clock, and tabs that share locks and a channel. The messages of a slow channel
 * arrive only when a tab pauses.
 */
function world(answer: (path: string, count: number) => Response | Error) {
	const asked: Asked[] = [];
	const tabs: NonNullable<AuthEnvironment['channel']>[] = [];
	let time = 1_000_000;
	const locks = turns();
	let late: (() => void)[] | undefined;
	const tab = () => {
		const channel: NonNullable<AuthEnvironment['channel']> = {
			onmessage: null,
			postMessage(data: unknown) {
				for (const other of tabs) {
					const tell = () =>
						(other.onmessage as ((e: { data: unknown }) => void) | null)?.({ data });
					if (other === channel) continue;
					if (late) late.push(tell);
					else tell();
				}
			}
		};
		tabs.push(channel);
		return new Auth({
			fetch: (async (path: string, init: RequestInit) => {
				asked.push({ path, body: JSON.parse(init.body as string) });
				const result = answer(path, asked.length);
				if (result instanceof Error) throw result;
				return result;
			}) as typeof fetch,
			locks: locks(String(tabs.length)) as unknown as LockManager,
			channel,
			now: () => time,
			pause: async () => late?.splice(0).forEach((tell) => tell())
		});
	};
	return { asked, tab, pass: (ms: number) => (time += ms), slow: () => (late = []) };
}

const grant = (token: string) => json(200, { access_token: token, expires_in: 600, user });

describe('the session', () => {
	it('is restored from the cookie', async () => {
		const { tab } = world(() => grant('t1'));
		const auth = tab();
		await auth.restore();
		expect([auth.status, auth.user?.name, await auth.token()]).toEqual(['in', 'Ana', 't1']);
	});

	it('is out when there is no cookie', async () => {
		const { tab } = world(() => json(401, { detail: 'no' }));
		const auth = tab();
		await auth.restore();
		expect([auth.status, auth.user]).toEqual(['out', null]);
	});

	it('is away while the server does not answer', async () => {
		const { tab } = world(() => new TypeError('network'));
		const auth = tab();
		await auth.restore();
		expect(auth.status).toBe('away');
	});

	it('is away with the reason when the server refuses to say', async () => {
		const { tab } = world((_, n) =>
			n === 1 ? json(429, { detail: 'Try again in 20 seconds.' }) : grant('t1')
		);
		const auth = tab();
		await auth.restore();
		expect([auth.status, explain(auth.failure)]).toEqual(['away', 'Try again in 20 seconds.']);
		await auth.ready();
		expect([auth.status, auth.failure]).toEqual(['in', undefined]);
	});

	it('asks for the cookie when signing in, and says what is wrong', async () => {
		const { tab, asked } = world((_, n) =>
			n === 1 ? json(401, { detail: 'The address or the password is wrong.' }) : grant('t1')
		);
		const auth = tab();
		await expect(auth.signIn('a@b.example', 'x')).rejects.toThrow(
			'The address or the password is wrong.'
		);
		await auth.signIn('a@b.example', 'y');
		expect(asked[1]?.body).toMatchObject({ refresh_in: 'cookie' });
		expect(auth.status).toBe('in');
	});
});

describe('signing in', () => {
	it('with a second step signs in only after that step', async () => {
		const step = { ticket: 'k', methods: ['totp', 'recovery_code'], expires_in: 300 };
		const { tab, asked } = world((path) =>
			path === '/auth/login' ? json(202, step) : grant('t1')
		);
		const auth = tab();
		expect(await auth.signIn('a@b.example', 'y')).toEqual(step);
		expect(auth.status).toBe('unknown');
		await auth.confirm('k', '123456');
		expect(asked[1]).toEqual({
			path: '/auth/second-factor',
			body: { ticket: 'k', code: '123456', refresh_in: 'cookie' }
		});
		expect([auth.status, await auth.token()]).toEqual(['in', 't1']);
	});

	it('works with a passkey alone', async () => {
		const { tab, asked } = world(() => grant('t1'));
		const auth = tab();
		const credential = { id: 'p' } as PublicKeyCredentialJSON;
		await auth.signInWithPasskey({ ticket: 'k', credential });
		expect(asked).toEqual([
			{
				path: '/auth/passkeys/finish',
				body: { ticket: 'k', credential, refresh_in: 'cookie' }
			}
		]);
		expect(auth.status).toBe('in');
	});
});

describe('somebody who was signed out', () => {
	const ended = () =>
		json(401, {
			detail: 'The session has ended: sign in again.',
			type: 'urn:bedside:problem:session-ended'
		});

	it('is told why, and led back afterwards', async () => {
		const w = world((_, n) => (n === 1 ? grant('t1') : n === 2 ? ended() : grant('t2')));
		const auth = w.tab();
		await auth.restore();
		await auth.refresh();
		expect([auth.status, auth.signOutNotice]).toEqual([
			'out',
			{ kind: 'warn', words: 'The session has ended: sign in again.', back: true }
		]);
		await auth.signIn('a@b.example', 'y');
		expect(auth.signOutNotice).toBeUndefined();
	});

	it('is told nothing without a session, or after signing out on purpose', async () => {
		const nobody = world(() => new Response(null, { status: 204 })).tab();
		await nobody.restore();
		expect([nobody.status, nobody.signOutNotice]).toEqual(['out', undefined]);
		const wish = world((path) =>
			path === '/auth/logout' ? new Response(null, { status: 204 }) : grant('t1')
		).tab();
		await wish.restore();
		await wish.signOut();
		expect(wish.signOutNotice).toMatchObject({ words: '', back: false });
	});

	it('is forgotten in every tab when the account is gone', async () => {
		const w = world(() => grant('t1'));
		const [one, two] = [w.tab(), w.tab()];
		await one.restore();
		one.signedOut({ kind: 'good', words: 'Gone.', back: false });
		expect([one.status, two.status, one.signOutNotice?.words]).toEqual([
			'out',
			'out',
			'Gone.'
		]);
	});
});

describe('the token', () => {
	it('is replaced shortly before it expires, once for all callers', async () => {
		const w = world((_, n) => grant(`t${n}`));
		const auth = w.tab();
		await auth.restore();
		w.pass(560_000);
		expect(await auth.token()).toBe('t1');
		w.pass(20_000);
		expect(await Promise.all([auth.token(), auth.token()])).toEqual(['t2', 't2']);
		expect(w.asked).toHaveLength(2);
	});

	it('is requested once for two tabs', async () => {
		const w = world((_, n) => grant(`t${n}`));
		const tabs = [w.tab(), w.tab()];
		await Promise.all(tabs.map((t) => t.restore()));
		expect(w.asked).toHaveLength(1);
		expect(tabs.map((t) => t.status)).toEqual(['in', 'in']);
	});

	it('is requested once although the other tabs receive it late', async () => {
		const w = world((_, n) => grant(`t${n}`));
		w.slow();
		const tabs = [w.tab(), w.tab(), w.tab()];
		await Promise.all(tabs.map((t) => t.restore()));
		expect(w.asked).toHaveLength(1);
		expect(await Promise.all(tabs.map((t) => t.token()))).toEqual(['t1', 't1', 't1']);
	});

	it('is not requested again when a refused one was replaced meanwhile', async () => {
		const w = world((_, n) => grant(`t${n}`));
		const auth = w.tab();
		await auth.restore();
		await auth.refresh();
		expect(await auth.refresh('t1')).toBe(true);
		expect(w.asked).toHaveLength(2);
	});

	it('is requested by the next tab when the first one failed', async () => {
		const w = world((_, n) => (n === 1 ? new TypeError('network') : grant(`t${n}`)));
		const [one, two] = [w.tab(), w.tab()];
		await Promise.all([one.restore(), two.restore()]);
		expect([w.asked.length, two.status]).toEqual([2, 'in']);
	});

	it('is gone in every tab after signing out', async () => {
		const w = world((path) =>
			path === '/auth/logout' ? new Response(null, { status: 204 }) : grant('t1')
		);
		const [one, two] = [w.tab(), w.tab()];
		await one.restore();
		await one.signOut();
		expect([one.status, two.status]).toEqual(['out', 'out']);
	});
});

describe('a call', () => {
	const server =
		(...answers: Response[]): typeof fetch =>
		async () =>
			answers.shift() ?? json(500, {});

	it('is made again with a new token when the old one is refused', async () => {
		const w = world((_, n) => grant(`t${n}`));
		const response = await call(
			'GET',
			'/api/x',
			{},
			w.tab(),
			server(json(401, {}), json(200, { ok: true }))
		);
		expect(await response.json()).toEqual({ ok: true });
		expect(w.asked).toHaveLength(2);
	});

	it('gives up when the session has ended', async () => {
		const w = world((_, n) => (n === 1 ? grant('t1') : json(401, {})));
		const auth = w.tab();
		await expect(
			call('GET', '/api/x', {}, auth, server(json(401, { detail: 'ended' })))
		).rejects.toMatchObject({ status: 401 });
		expect(auth.status).toBe('out');
	});

	it('throws the wrong fields of a form', async () => {
		const w = world(() => grant('t1'));
		const bad = json(422, {
			detail: 'invalid',
			type: 'urn:x',
			errors: [{ location: 'body.email', message: 'Not an address.' }]
		});
		const problem: unknown = await call(
			'POST',
			'/api/x',
			{ body: {} },
			w.tab(),
			server(bad)
		).catch((e: unknown) => e);
		expect(problem).toBeInstanceOf(Problem);
		expect(problem).toMatchObject({
			status: 422,
			type: 'urn:x',
			fields: { email: 'Not an address.' }
		});
	});

	it('throws status 0 when the server does not answer', async () => {
		const w = world(() => grant('t1'));
		await expect(
			call('GET', '/api/x', {}, w.tab(), () => Promise.reject(new TypeError('x')))
		).rejects.toMatchObject({ status: 0 });
	});
});
