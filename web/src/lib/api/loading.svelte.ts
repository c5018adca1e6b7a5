/** Something that a screen loads: nothing yet, an error, or the value. `load` may be called again. */
export class Loading<T> {
	value = $state.raw<T | undefined>(undefined);
	error = $state.raw<unknown>(undefined);
	#get: () => Promise<T>;
	#turn = 0;

	constructor(get: () => Promise<T>) {
		this.#get = get;
	}

	/** Of overlapping calls the last one counts. What was there stays until the new value comes. */
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
