import {
	accounts,
	changeAccount,
	deleteOther,
	endSessionsOf,
	inviteAgain
} from '$lib/api/account';
import type { Account } from '$lib/api/types';
import { PagedList } from '$lib/ui/paged.svelte';
import type { Action } from './actions';

/** Stands for "no filter": the choices take no empty values. */
export const ALL = 'all';

const PAUSE_MS = 300;

/** The list of accounts that match the filters. */
export class AccountSearch {
	text = $state('');
	role = $state(ALL);
	disabled = $state(ALL);
	/** What the list shows now, which may lag behind the fields. */
	#filter = { text: '', role: '', disabled: '' };
	#timer: ReturnType<typeof setTimeout> | undefined;
	list = new PagedList<Account>((next) => accounts(this.#filter, next));

	/** Loads the list for what the filters say now. */
	load = (): Promise<void> => {
		this.stop();
		this.#filter = {
			text: this.text.trim(),
			role: this.role === ALL ? '' : this.role,
			disabled: this.disabled === ALL ? '' : this.disabled
		};
		return this.list.load();
	};

	/** Loads the list once the reader stops typing. */
	loadSoon = (): void => {
		this.stop();
		this.#timer = setTimeout(() => void this.load(), PAUSE_MS);
	};

	/** Drops a load that loadSoon planned. */
	stop = (): void => clearTimeout(this.#timer);

	/**
	 * Does what an administrator has confirmed, and shows the account as it is then. Returns the
	 * account, and how many devices were signed out.
	 */
	async act(account: Account, action: Action): Promise<{ account: Account; ended: number }> {
		const same = (other: Account) => other.id === account.id;
		switch (action.kind) {
			case 'change': {
				const now = await changeAccount(account.id, action.change);
				this.list.replace(now, same);
				return { account: now, ended: 0 };
			}
			case 'sign-out':
				return { account, ended: (await endSessionsOf(account.id)).ended };
			case 'invite':
				await inviteAgain(account.id);
				break;
			case 'delete':
				await deleteOther(account.id);
				this.list.remove(same);
		}
		return { account, ended: 0 };
	}
}

/** Starts to load all accounts, for a load function. */
export function startAccountSearch(): AccountSearch {
	const search = new AccountSearch();
	void search.load();
	return search;
}
