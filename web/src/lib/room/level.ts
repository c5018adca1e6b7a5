/** The level of a stretch of samples, in dB re full scale. */
export interface Level {
	rms: number;
	peak: number;
}

export const SILENCE_DB = -100;

export function measure(samples: Float32Array): Level {
	let sum = 0;
	let peak = 0;
	for (const sample of samples) {
		sum += sample * sample;
		peak = Math.max(peak, Math.abs(sample));
	}
	return { rms: decibels(Math.sqrt(sum / Math.max(1, samples.length))), peak: decibels(peak) };
}

function decibels(amplitude: number): number {
	return amplitude > 0 ? Math.max(SILENCE_DB, 20 * Math.log10(amplitude)) : SILENCE_DB;
}

export type Verdict = 'waiting' | 'quiet' | 'clipping' | 'noisy' | 'good';

const WINDOW_MS = 4_000;
const SPEECH_ABOVE_FLOOR_DB = 10;
const SPEECH_MIN_DB = -50;
const QUIET_DB = -38;
const NOISE_DB = -48;
const NOISE_GAP_DB = 15;
const CLIP_DB = -0.3;
const CLIPS_MIN = 3;
const SPEECH_MIN = 0.12; // as a fraction of the window

/** Judges a microphone by its levels of the last seconds. */
export class MicrophoneJudge {
	#levels: (Level & { at: number })[] = [];

	add(level: Level, at: number): void {
		this.#levels.push({ ...level, at });
		while (this.#levels[0] && this.#levels[0].at < at - WINDOW_MS) this.#levels.shift();
	}

	/** Forgets all levels, for another microphone. */
	reset(): void {
		this.#levels = [];
	}

	verdict(): Verdict {
		const levels = this.#levels;
		if (levels.length < 10) return 'waiting';
		const sorted = levels.map((l) => l.rms).sort((a, b) => a - b);
		const floor = sorted[Math.floor(sorted.length * 0.1)] ?? SILENCE_DB;
		const speech = sorted.filter(
			(rms) => rms > Math.max(SPEECH_MIN_DB, floor + SPEECH_ABOVE_FLOOR_DB)
		);
		if (speech.length < levels.length * SPEECH_MIN)
			return floor > NOISE_DB + NOISE_GAP_DB ? 'noisy' : 'waiting';
		if (levels.filter((l) => l.peak > CLIP_DB).length >= CLIPS_MIN) return 'clipping';
		const loud = speech[Math.floor(speech.length / 2)] ?? SILENCE_DB;
		if (loud < QUIET_DB) return 'quiet';
		if (floor > NOISE_DB && loud - floor < NOISE_GAP_DB) return 'noisy';
		return 'good';
	}
}

/** Detects speech while the microphone is muted: levels like speech for most of the last 1.5 s. */
export class MutedTalkDetector {
	#loud: { at: number; loud: boolean }[] = [];

	add(level: Level, at: number): boolean {
		this.#loud.push({ at, loud: level.rms > -42 });
		while (this.#loud[0] && this.#loud[0].at < at - 1_500) this.#loud.shift();
		const first = this.#loud[0];
		if (!first || at - first.at < 1_000) return false;
		return this.#loud.filter((l) => l.loud).length > this.#loud.length * 0.5;
	}

	reset(): void {
		this.#loud = [];
	}
}
