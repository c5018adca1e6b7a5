/** Typed events. emit() calls the listeners at once, in the order in which they were added. */
export class Emitter<Events> {
	#listeners: { [E in keyof Events]?: Set<(value: Events[E]) => void> } = {};

	/** Adds a listener; the returned function removes it. */
	on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): () => void {
		const set = (this.#listeners[event] ??= new Set());
		set.add(listener);
		return () => set.delete(listener);
	}

	emit<E extends keyof Events>(event: E, value: Events[E]): void {
		for (const listener of [...(this.#listeners[event] ?? [])]) listener(value);
	}
}
