import { Problem, problemOf, UNREACHABLE } from './problem';
import type { Credentials, Grant, Registration, User } from './types';

/** unknown: not asked yet; away: the server did not answer; in and out: signed in or not. */
export type Status = 'unknown' | 'away' | 'in' | 'out';

export interface AuthEnvironment {
	fetch: typeof fetch;
	/** Web Locks: one tab refreshes at a time. */
	locks: Pick<LockManager, 'request'> | undefined;
	/** Between the tabs of this browser. */
	channel: Pick<BroadcastChannel, 'postMessage' | 'onmessage'> | undefined;
	now: () => number;
}

interface News {
	grant: Grant | null;
	at: number;
}

const EARLY_MS = 30_000;

/**
 * Who is signed in. The access token lives in memory only; the refresh token is in a cookie that no script can read. Tabs refresh one
 * after the other and tell each other what they got.
 */
export class Auth {
	status = $state<Status>('unknown');
	user = $state<User | null>(null);

	#env: AuthEnvironment;
	#token = '';
	#expires = 0;
	#refreshing: Promise<boolean> | undefined;

	constructor(env: AuthEnvironment) {
		this.#env = env;
		if (env.channel) {
			env.channel.onmessage = (event: MessageEvent<News>) => {
				if (event.data.grant) this.#take(event.data.grant, event.data.at);
				else this.#forget();
			};
		}
	}

	/** Finds out who is signed in. That nobody is, is no error. */
	async restore(): Promise<void> {
		try {
			await this.refresh();
		} catch {
			this.status = 'away';
		}
	}

	async signIn(email: string, password: string): Promise<void> {
		const who: Credentials = { email, password, refresh_in: 'cookie' };
		this.#share(await this.#post('/auth/login', who));
	}

	async register(account: Registration): Promise<void> {
		await this.#call('/auth/register', account); // answers the same for an address that has an account
		try {
			await this.signIn(account.email, account.password);
		} catch (error) {
			if (!(error instanceof Problem) || error.status !== 401) throw error;
			throw new Problem(error.status, 'We have sent you a mail: it says how to go on.');
		}
	}

	/** Signs this device out, in every tab. */
	async signOut(): Promise<void> {
		try {
			await this.#call('/auth/logout', {}, this.#token);
		} catch (error) {
			if (!(error instanceof Problem) || error.status !== 401) throw error;
		}
		this.#forget();
		this.#env.channel?.postMessage({ grant: null, at: this.#env.now() } satisfies News);
	}

	/** A token that is good for a while; empty when nobody is signed in. */
	async token(): Promise<string> {
		if (this.#token && this.#expires - this.#env.now() > EARLY_MS) return this.#token;
		return (await this.refresh()) ? this.#token : '';
	}

	/** Gets a new token; false when the session has ended. Callers at the same time share one request, and so do tabs. */
	refresh(): Promise<boolean> {
		this.#refreshing ??= this.#locked().finally(() => (this.#refreshing = undefined));
		return this.#refreshing;
	}

	async #locked(): Promise<boolean> {
		const before = this.#token;
		const work = async (): Promise<boolean> => {
			if (this.#token && this.#token !== before) return true; // another tab got one while we waited
			try {
				this.#share(await this.#post('/auth/refresh', {}));
				return true;
			} catch (error) {
				if (!(error instanceof Problem) || (error.status !== 401 && error.status !== 403)) throw error;
				this.#forget();
				return false;
			}
		};
		return this.#env.locks ? await this.#env.locks.request('bedside.refresh', work) : await work();
	}

	#share(grant: Grant): void {
		const at = this.#env.now();
		this.#take(grant, at);
		this.#env.channel?.postMessage({ grant, at } satisfies News);
	}

	#take(grant: Grant, at: number): void {
		this.#token = grant.access_token;
		this.#expires = at + grant.expires_in * 1000;
		if (this.user?.id !== grant.user.id || this.user.role !== grant.user.role) this.user = grant.user;
		this.status = 'in';
	}

	#forget(): void {
		this.#token = '';
		this.user = null;
		this.status = 'out';
	}

	async #post(path: string, body: object): Promise<Grant> {
		return (await (await this.#call(path, body)).json()) as Grant;
	}

	async #call(path: string, body: object, token = ''): Promise<Response> {
		const headers: Record<string, string> = { 'Content-Type': 'application/json' };
		if (token) headers.Authorization = `Bearer ${token}`;
		let response: Response;
		try {
			response = await this.#env.fetch(path, { method: 'POST', headers, body: JSON.stringify(body), credentials: 'same-origin' });
		} catch {
			throw new Problem(0, UNREACHABLE);
		}
		if (!response.ok) throw await problemOf(response);
		return response;
	}
}

/** The page's one Auth. */
export const auth = new Auth({
	fetch: (...args) => fetch(...args),
	locks: typeof navigator === 'undefined' ? undefined : navigator.locks,
	channel: typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('bedside.auth'),
	now: () => Date.now()
});
