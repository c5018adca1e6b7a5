import { request } from './request';
import type { PasskeyAnswer } from './factors';
import { Problem } from './problem';
import type { Credentials, Grant, SecondFactor, SecondStep, User } from './types';

/** unknown: not asked yet; away: the server did not say; in, out: signed in or not. */
export type Status = 'unknown' | 'away' | 'in' | 'out';

export interface AuthEnvironment {
	fetch: typeof fetch;
	/** Web Locks, so that only one tab refreshes at a time. */
	locks: Pick<LockManager, 'request' | 'query'> | undefined;
	/** Connects the tabs of this browser. */
	channel: Pick<BroadcastChannel, 'postMessage' | 'onmessage'> | undefined;
	now: () => number;
	pause: (ms: number) => Promise<void>;
}

/** What to tell somebody who was signed out. `back`: the next sign-in leads back to this page. */
export interface SignOutNotice {
	kind: 'good' | 'warn';
	words: string;
	back: boolean;
}

interface SessionMessage {
	grant: Grant | null;
	at: number;
}

const REFRESH_EARLY_MS = 30_000;
const LOCK = 'bedside.refresh';
/** How long a refreshed tab waits for the others to receive the new token. */
const HANDOVER = { steps: 40, ms: 25 };

/**
 * The session of this browser. The access token is kept in memory only; the refresh token is in a
 * cookie that scripts cannot read. Tabs refresh one at a time, and broadcast the result to the
 * other tabs.
 */
export class Auth {
	status = $state<Status>('unknown');
	user = $state<User | null>(null);
	/** Why the server did not say who is signed in, while it is away. */
	failure = $state.raw<unknown>(undefined);
	signOutNotice = $state.raw<SignOutNotice | undefined>();

	#env: AuthEnvironment;
	#token = '';
	#expires = 0;
	#refreshing: Promise<boolean> | undefined;
	/** Cancels this tab's wait for the lock. */
	#waiting: AbortController | undefined;

	constructor(env: AuthEnvironment) {
		this.#env = env;
		if (env.channel) {
			env.channel.onmessage = (event: MessageEvent<SessionMessage>) => {
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
			this.failure = undefined;
		} catch (error) {
			this.status = 'away';
			this.failure = error;
		}
	}

	/** Signs in. Returns the second step if the account has one; then nobody is signed in yet. */
	async signIn(email: string, password: string): Promise<SecondStep | undefined> {
		const who: Credentials = { email, password, refresh_in: 'cookie' };
		const response = await this.#call('/auth/login', who);
		if (response.status === 202) return (await response.json()) as SecondStep;
		this.#publish((await response.json()) as Grant);
		return undefined;
	}

	/** Takes the second step, with a code from the app or a recovery code. */
	async confirm(ticket: string, code: string): Promise<void> {
		this.#publish(
			await this.#post('/auth/second-factor', {
				ticket,
				code,
				refresh_in: 'cookie'
			} satisfies SecondFactor)
		);
	}

	/** Signs in with a passkey's answer, without a password. */
	async signInWithPasskey(answer: PasskeyAnswer): Promise<void> {
		this.#publish(
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
		this.signedOut();
	}

	/** Forgets the session in every tab; the server has ended it already. */
	signedOut(signOutNotice?: SignOutNotice): void {
		this.#forget();
		this.signOutNotice = signOutNotice ?? { kind: 'good', words: '', back: false };
		this.#env.channel?.postMessage({
			grant: null,
			at: this.#env.now()
		} satisfies SessionMessage);
	}

	/** Replaces the user after a change of the profile. */
	setUser(user: User): void {
		this.user = user;
	}

	/** Returns a token that is valid for a while, or an empty string when nobody is signed in. */
	async token(): Promise<string> {
		if (this.#token && this.#expires - this.#env.now() > REFRESH_EARLY_MS) return this.#token;
		return (await this.refresh()) ? this.#token : '';
	}

	/**
	 * Replaces the token `instead`, unless that was done meanwhile; returns false when the session
	 * has ended. Callers at the same time share one request. One tab refreshes; the others wait
	 * until they receive the new token.
	 */
	refresh(instead = this.#token): Promise<boolean> {
		if (this.#token !== instead) return Promise.resolve(this.#token !== '');
		this.#refreshing ??= this.#refreshLocked().finally(() => (this.#refreshing = undefined));
		return this.#refreshing;
	}

	async #refreshLocked(): Promise<boolean> {
		const { locks } = this.#env;
		if (!locks) return this.#refresh();
		const before = this.#token;
		const replaced = () => this.#token !== '' && this.#token !== before;
		const waiting = (this.#waiting = new AbortController());
		try {
			return await locks.request(LOCK, { signal: waiting.signal }, () =>
				replaced() ? true : this.#refresh()
			);
		} catch (error) {
			if (waiting.signal.aborted && replaced()) return true;
			throw error;
		} finally {
			this.#waiting = undefined;
		}
	}

	async #refresh(): Promise<boolean> {
		try {
			const response = await this.#call('/auth/refresh', {});
			if (response.status === 204) {
				this.#forget();
				return false;
			}
			this.#publish((await response.json()) as Grant);
		} catch (error) {
			if (!(error instanceof Problem) || (error.status !== 401 && error.status !== 403))
				throw error;
			this.#forget();
			if (error.is('session-ended') || error.is('refresh-reused'))
				this.signOutNotice = { kind: 'warn', words: error.message, back: true };
			return false;
		}
		await this.#waitForOthers();
		return true;
	}

	/**
	 * Holds the lock until the waiting tabs have received the new token: the broadcast may arrive
	 * after the lock is free, and they would refresh again.
	 */
	async #waitForOthers(): Promise<void> {
		let waiting = await this.#waitingTabs();
		for (let step = 0; waiting.length > 0 && step < HANDOVER.steps; step++) {
			await this.#env.pause(HANDOVER.ms);
			const still = await this.#waitingTabs();
			waiting = waiting.filter((tab) => still.includes(tab));
		}
	}

	/** Returns the tabs that wait for the lock. */
	async #waitingTabs(): Promise<(string | undefined)[]> {
		const { pending } = (await this.#env.locks?.query()) ?? {};
		return (pending ?? []).filter((lock) => lock.name === LOCK).map((lock) => lock.clientId);
	}

	#publish(grant: Grant): void {
		const at = this.#env.now();
		this.#take(grant, at);
		this.#env.channel?.postMessage({ grant, at } satisfies SessionMessage);
	}

	#take(grant: Grant, at: number): void {
		this.#token = grant.access_token;
		this.#expires = at + grant.expires_in * 1000;
		if (JSON.stringify(this.user) !== JSON.stringify(grant.user)) this.user = grant.user;
		this.signOutNotice = undefined;
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
		return request('POST', path, { body, token }, this.#env.fetch);
	}
}

/** The page's session. */
export const auth = new Auth({
	fetch: (...args) => fetch(...args),
	locks: typeof navigator === 'undefined' ? undefined : navigator.locks,
	channel:
		typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('bedside.auth'),
	now: () => Date.now(),
	pause: (ms) => new Promise((done) => setTimeout(done, ms))
});
