import { ask } from './ask';
import type { PasskeyAnswer, SecondFactor, SecondStep } from './factors';
import { Problem } from './problem';
import type { Credentials, Grant, User } from './types';

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

/** What is said to whoever was signed out. `back`: the next to sign in is led back to where this happened. */
export interface Parting {
	kind: 'good' | 'warn';
	words: string;
	back: boolean;
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
	parting = $state.raw<Parting | undefined>();

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

	/** Signs in; what comes back is a second step that is still to be taken. */
	async signIn(email: string, password: string): Promise<SecondStep | undefined> {
		const who: Credentials = { email, password, refresh_in: 'cookie' };
		const response = await this.#call('/auth/login', who);
		if (response.status === 202) return (await response.json()) as SecondStep;
		this.#share((await response.json()) as Grant);
		return undefined;
	}

	/** Takes the second step, with a code of the app's or a recovery code. */
	async confirm(ticket: string, code: string): Promise<void> {
		this.#share(await this.#post('/auth/second-factor', { ticket, code, refresh_in: 'cookie' } satisfies SecondFactor));
	}

	/** Signs in with what a passkey has answered; that needs no password. */
	async signInWithPasskey(answer: PasskeyAnswer): Promise<void> {
		this.#share(await this.#post('/auth/passkeys/finish', { ...answer, refresh_in: 'cookie' }));
	}

	/** Signs this device out, in every tab. */
	async signOut(): Promise<void> {
		try {
			await this.#call('/auth/logout', {}, this.#token);
		} catch (error) {
			if (!(error instanceof Problem) || error.status !== 401) throw error;
		}
		this.left();
	}

	/** The server has signed this device out already: forget it, in every tab. */
	left(parting?: Parting): void {
		this.#forget();
		this.parting = parting ?? { kind: 'good', words: '', back: false };
		this.#env.channel?.postMessage({ grant: null, at: this.#env.now() } satisfies News);
	}

	/** What the account looks like now. */
	known(user: User): void {
		this.user = user;
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
				if (error.is('session-ended') || error.is('refresh-reused')) this.parting = { kind: 'warn', words: error.message, back: true };
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
		if (JSON.stringify(this.user) !== JSON.stringify(grant.user)) this.user = grant.user;
		this.parting = undefined;
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

	#call(path: string, body: object, token = ''): Promise<Response> {
		return ask('POST', path, { body, token }, this.#env.fetch);
	}
}

/** The page's one Auth. */
export const auth = new Auth({
	fetch: (...args) => fetch(...args),
	locks: typeof navigator === 'undefined' ? undefined : navigator.locks,
	channel: typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('bedside.auth'),
	now: () => Date.now()
});
