/** Something that a page loads: nothing yet, the value, or an error. */
export class Loading<T> {
	value = $state.raw<T | undefined>(undefined);
	error = $state.raw<unknown>(undefined);
	#get: () => Promise<T>;
	#turn = 0;

	constructor(get: () => Promise<T>) {
		this.#get = get;
	}

	/**
	 * Loads the value, or loads it again; a failure is kept in `error`. The old value stays until
	 * the new one arrives. When calls overlap, only the last one counts.
	 */
	load = async (): Promise<void> => {
		const turn = ++this.#turn;
		this.error = undefined;
		try {
			const value = await this.#get();
			if (turn === this.#turn) this.value = value;
		} catch (error) {
			if (turn === this.#turn) this.error = error;
		}
	};
}

/** Starts to load something, for a load function: the page shows a skeleton meanwhile. */
export function startLoading<T>(get: () => Promise<T>): Loading<T> {
	const loading = new Loading(get);
	void loading.load();
	return loading;
}
