import type { Level } from './level';

/** Above this a microphone hears something; a dead or muted one stays far below. */
const SOUND_DB = -50;
/** Levels come every 40 ms. A longer gap (a hidden page, a busy one) says nothing of silence. */
const GAP_MS = 250;

/** Notices the first sound of a microphone: some levels in a row above the room's noise. */
export class SoundDetector {
	#loud = 0;
	#heard = false;

	/** Adds a level; returns true from the first sound on. */
	add(level: Level): boolean {
		this.#loud = level.rms > SOUND_DB ? this.#loud + 1 : 0;
		this.#heard ||= this.#loud >= 4;
		return this.#heard;
	}

	get heard(): boolean {
		return this.#heard;
	}

	/** Forgets everything, for another microphone. */
	reset(): void {
		this.#loud = 0;
		this.#heard = false;
	}
}

/**
 * Notices that nothing at all was heard of a speaker in the first seconds of a play. The time in
 * which the speaker was muted, or the clock stood, does not count.
 */
export class SilenceWatch {
	#detector = new SoundDetector();
	#silentMs = 0;
	#last: number | undefined;

	constructor(readonly afterMs = 8_000) {}

	/**
	 * Adds a level at a time. `counts`: the speaker is expected to be heard now. Returns true
	 * while the speaker should be told.
	 */
	add(level: Level, at: number, counts: boolean): boolean {
		const passed = this.#last === undefined ? 0 : at - this.#last;
		this.#last = at;
		if (!counts) return false;
		if (this.#detector.add(level)) return false;
		if (passed < GAP_MS) this.#silentMs += passed;
		return this.#silentMs >= this.afterMs;
	}

	/** Begins again, for another play or microphone. */
	reset(): void {
		this.#detector.reset();
		this.#silentMs = 0;
		this.#last = undefined;
	}
}
