import type { Phase } from '$lib/gen/protocol';

/**
 * The clock of a phase. The server says how much time is left, and the page counts down from there
 * with a monotonic clock.
 */
export class PhaseClock {
	#remaining = 0;
	#running = false;
	#at = 0;

	/** Sets what the server said at `now`, in milliseconds of a monotonic clock. */
	set(phase: Pick<Phase, 'remaining_ms' | 'running'>, now: number): void {
		this.#remaining = Math.max(0, phase.remaining_ms);
		this.#running = phase.running;
		this.#at = now;
	}

	/** Returns the milliseconds left at `now`, never below zero. */
	remaining(now: number): number {
		if (!this.#running) return this.#remaining;
		return Math.max(0, this.#remaining - Math.max(0, now - this.#at));
	}
}
