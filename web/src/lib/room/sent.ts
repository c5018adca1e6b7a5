import type { Sent } from '$lib/gen/protocol';

const PREFIX = 'bedside.sent.';
const MOST_STREAMS = 20;

/**
 * Counts what was sent during a play, for each RTP stream. Each connection has a stream of its
 * own. With a storage the counts of earlier connections outlive a reload of the page, so that the
 * report counts what was lost with them.
 */
export class SentCounts {
	#counts = new Map<number, number>();
	#told = new Map<number, number>();
	#key: string;
	#storage: Storage | undefined;

	/** Reads the counts that the storage has of an attempt, and removes those of others. */
	constructor(attempt = '', storage?: Storage) {
		this.#key = PREFIX + attempt;
		this.#storage = storage;
		try {
			for (const key of Object.keys(storage ?? {}))
				if (key.startsWith(PREFIX) && key !== this.#key) storage?.removeItem(key);
			for (const [ssrc, packets] of stored(storage?.getItem(this.#key)))
				this.#counts.set(ssrc, packets);
		} catch {
			this.#storage = undefined; // the browser keeps nothing
		}
	}

	/** Adds newer counts. A count never falls. */
	note(list: Sent[]): void {
		for (const { ssrc, packets } of list)
			this.#counts.set(ssrc, Math.max(packets, this.#counts.get(ssrc) ?? 0));
		for (const oldest of [...this.#counts.keys()].slice(0, -MOST_STREAMS))
			this.#counts.delete(oldest);
		try {
			this.#storage?.setItem(this.#key, JSON.stringify([...this.#counts]));
		} catch {
			this.#storage = undefined;
		}
	}

	/** Returns the counts that have changed since the last call. */
	take(): Sent[] {
		const news = [...this.#counts].filter(([ssrc, n]) => this.#told.get(ssrc) !== n);
		this.#told = new Map(this.#counts);
		return news.map(([ssrc, packets]) => ({ type: 'sent', ssrc, packets }));
	}

	/** Makes take() return all counts again: the server may have lost them. */
	repeat(): void {
		this.#told.clear();
	}
}

/** Returns the pairs of stream and count in a stored text. */
function stored(text: string | null | undefined): [number, number][] {
	const list: unknown = JSON.parse(text ?? '[]');
	if (!Array.isArray(list)) return [];
	return list
		.filter(
			(pair): pair is [number, number] =>
				Array.isArray(pair) && pair.length === 2 && pair.every(Number.isSafeInteger)
		)
		.slice(-MOST_STREAMS);
}
