/** Typed events. Listeners are called in the order they were added, on the emitter's own turn of the event loop. */
export class Emitter<Events> {
	#listeners: { [E in keyof Events]?: Set<(value: Events[E]) => void> } = {};

	/** Adds a listener; the returned function takes it away again. */
	on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): () => void {
		const set = (this.#listeners[event] ??= new Set());
		set.add(listener);
		return () => set.delete(listener);
	}

	emit<E extends keyof Events>(event: E, value: Events[E]): void {
		for (const listener of [...(this.#listeners[event] ?? [])]) listener(value);
	}
}
