import { ask } from './ask';
import type { PasskeyAnswer } from './factors';
import { Problem } from './problem';
import type { Credentials, Grant, SecondFactor, SecondStep, User } from './types';

/** unknown: not asked yet; away: the server did not answer; in and out: signed in or not. */
export type Status = 'unknown' | 'away' | 'in' | 'out';

export interface AuthEnvironment {
	fetch: typeof fetch;
	/** Web Locks: one tab refreshes at a time. */
	locks: Pick<LockManager, 'request' | 'query'> | undefined;
	/** Between the tabs of this browser. */
	channel: Pick<BroadcastChannel, 'postMessage' | 'onmessage'> | undefined;
	now: () => number;
	pause: (ms: number) => Promise<void>;
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
const LOCK = 'bedside.refresh';
/** How long, in steps, tabs that wait are given to hear of a new token. */
const HEARING = { steps: 40, ms: 25 };

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
	/** Ends the wait for a turn. */
	#waiting: AbortController | undefined;

	constructor(env: AuthEnvironment) {
		this.#env = env;
		if (env.channel) {
			env.channel.onmessage = (event: MessageEvent<News>) => {
				if (!event.data.grant) return this.#forget();
				this.#take(event.data.grant, event.data.at);
				this.#waiting?.abort();
			};
		}
	}

	/** Finds out who is signed in, unless that is known. The result is in `status`. */
	async ready(): Promise<void> {
		if (this.status === 'unknown' || this.status === 'away') await this.restore();
	}

	/** Finds out who is signed in, from the cookie. The result is in `status`. */
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
		this.#share(
			await this.#post('/auth/second-factor', {
				ticket,
				code,
				refresh_in: 'cookie'
			} satisfies SecondFactor)
		);
	}

	/** Signs in with what a passkey has answered; that needs no password. */
	async signInWithPasskey(answer: PasskeyAnswer): Promise<void> {
		this.#share(
			await this.#post('/auth/passkeys/finish', { ...answer, refresh_in: 'cookie' })
		);
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

	/**
	 * Gets a new token instead of one; false when the session has ended. Callers at the same time share one request, and so do tabs: one
	 * refreshes, the others wait for their turn until they hear from it.
	 */
	refresh(instead = this.#token): Promise<boolean> {
		if (this.#token !== instead) return Promise.resolve(this.#token !== ''); // somebody was faster
		this.#refreshing ??= this.#inTurn().finally(() => (this.#refreshing = undefined));
		return this.#refreshing;
	}

	async #inTurn(): Promise<boolean> {
		const { locks } = this.#env;
		if (!locks) return this.#refresh();
		const before = this.#token;
		const news = () => this.#token !== '' && this.#token !== before;
		const waiting = (this.#waiting = new AbortController());
		try {
			return await locks.request(LOCK, { signal: waiting.signal }, () =>
				news() ? true : this.#refresh()
			);
		} catch (error) {
			if (waiting.signal.aborted && news()) return true;
			throw error;
		} finally {
			this.#waiting = undefined;
		}
	}

	async #refresh(): Promise<boolean> {
		try {
			this.#share(await this.#post('/auth/refresh', {}));
		} catch (error) {
			if (!(error instanceof Problem) || (error.status !== 401 && error.status !== 403))
				throw error;
			this.#forget();
			if (error.is('session-ended') || error.is('refresh-reused'))
				this.parting = { kind: 'warn', words: error.message, back: true };
			return false;
		}
		await this.#heard();
		return true;
	}

	/** Keeps the turn until the tabs that wait for theirs have heard of the new token and gone: nothing says which of the two reaches them first. */
	async #heard(): Promise<void> {
		let waiting = await this.#queue();
		for (let step = 0; waiting.length > 0 && step < HEARING.steps; step++) {
			await this.#env.pause(HEARING.ms);
			const still = await this.#queue();
			waiting = waiting.filter((tab) => still.includes(tab)); // not those who have come since
		}
	}

	/** The tabs that wait for their turn. */
	async #queue(): Promise<(string | undefined)[]> {
		const { pending } = (await this.#env.locks?.query()) ?? {};
		return (pending ?? []).filter((lock) => lock.name === LOCK).map((lock) => lock.clientId);
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
	channel:
		typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('bedside.auth'),
	now: () => Date.now(),
	pause: (ms) => new Promise((done) => setTimeout(done, ms))
});
