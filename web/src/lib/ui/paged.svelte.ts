import { Loading } from './loading.svelte';

/** A part of a list; `next` asks for the following part and is empty at the end of the list. */
export interface Page<T> {
	items: T[];
	next?: string;
}

/** A list that is loaded page by page. */
export class PagedList<T> {
	/** True while the next page is loading. */
	busy = $state(false);
	/** Why the next page could not be loaded. */
	moreError = $state.raw<unknown>(undefined);
	#get: (next: string) => Promise<Page<T>>;
	#first: Loading<Page<T>>;
	#items = $state.raw<T[]>([]);
	#next = $state('');

	constructor(get: (next: string) => Promise<Page<T>>) {
		this.#get = get;
		this.#first = new Loading(() => get(''));
	}

	/** All items so far; undefined until the first page is there. */
	get value(): T[] | undefined {
		return this.#first.value && this.#items;
	}

	/** Why the first page could not be loaded. */
	get error(): unknown {
		return this.#first.error;
	}

	get hasMore(): boolean {
		return this.#next !== '';
	}

	/** Loads the first page, which replaces the whole list. */
	load = async (): Promise<void> => {
		this.moreError = undefined;
		const before = this.#first.value;
		await this.#first.load();
		const page = this.#first.value;
		if (!page || page === before) return;
		this.#items = page.items;
		this.#next = page.next ?? '';
	};

	/** Adds the next page. A page that arrives after the list was replaced is dropped. */
	loadMore = async (): Promise<void> => {
		if (!this.hasMore || this.busy) return;
		this.busy = true;
		this.moreError = undefined;
		const first = this.#first.value;
		try {
			const page = await this.#get(this.#next);
			if (first !== this.#first.value) return;
			this.#items = [...this.#items, ...page.items];
			this.#next = page.next ?? '';
		} catch (error) {
			if (first === this.#first.value) this.moreError = error;
		} finally {
			this.busy = false;
		}
	};

	/** Removes the items for which `gone` is true. */
	remove(gone: (item: T) => boolean): void {
		this.#items = this.#items.filter((item) => !gone(item));
	}

	/** Replaces the items for which `same` is true, after a change of one of them. */
	replace(item: T, same: (other: T) => boolean): void {
		this.#items = this.#items.map((other) => (same(other) ? item : other));
	}
}

/** Starts to load a list's first page, for a load function. */
export function startPaged<T>(get: (next: string) => Promise<Page<T>>): PagedList<T> {
	const list = new PagedList(get);
	void list.load();
	return list;
}
