import { accounts, changeAccount } from '$lib/api/account';
import type { Account, AccountChange } from '$lib/api/types';
import { PagedList } from '$lib/ui/paged.svelte';

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

	/** Changes an account and shows it as it is then. */
	async change(account: Account, change: AccountChange): Promise<Account> {
		const now = await changeAccount(account.id, change);
		this.list.replace(now, (other) => other.id === now.id);
		return now;
	}
}

/** Starts to load all accounts, for a load function. */
export function startAccountSearch(): AccountSearch {
	const search = new AccountSearch();
	void search.load();
	return search;
}
