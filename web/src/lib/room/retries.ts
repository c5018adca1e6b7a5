const FIRST_MS = 250;
const LONGEST_MS = 2_000;
const GROWTH = 1.5;
const GIVE_UP_AFTER_MS = 90_000;

/** The growing pauses between tries to restore a connection. */
export class Retries {
	#since: number | undefined;
	#tries = 0;

	/** Some try is needed, and none has succeeded. */
	get going(): boolean {
		return this.#since !== undefined;
	}

	/**
	 * Returns how long to wait before the next try at `now`, in milliseconds, or undefined when it
	 * is time to give up. `random` is between 0 and 1.
	 */
	next(now: number, random: number): number | undefined {
		this.#since ??= now;
		if (now - this.#since > GIVE_UP_AFTER_MS) return undefined;
		const wait = Math.min(LONGEST_MS, FIRST_MS * GROWTH ** this.#tries++);
		return wait * (0.75 + random / 2);
	}

	/** A try has succeeded. */
	reset(): void {
		this.#since = undefined;
		this.#tries = 0;
	}
}
