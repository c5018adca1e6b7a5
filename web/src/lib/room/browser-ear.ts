import type { HeardWord } from '$lib/gen/protocol';

/** The part of the browser's SpeechRecognition that is used here. */
export interface Recognition {
	lang: string;
	continuous: boolean;
	interimResults: boolean;
	onspeechstart: (() => void) | null;
	onresult: ((event: RecognitionEvent) => void) | null;
	onend: (() => void) | null;
	onerror: ((event: { error: string }) => void) | null;
	start(): void;
	abort(): void;
}

interface RecognitionEvent {
	resultIndex: number;
	results: ArrayLike<
		ArrayLike<{ transcript: string; confidence: number }> & { isFinal: boolean }
	>;
}

type Make = new () => Recognition;

/** The longest message has so many words, each with so many bytes. */
const MAX_WORDS = 100;
const MAX_BYTES = 100;
/** Browsers give no confidence while the words may still change. */
const UNSURE = 0.5;
/** Errors after which another try fails too. */
const FINAL_ERRORS = ['not-allowed', 'service-not-allowed', 'language-not-supported'];
/** Recognition that ends at once again and again is given up. */
const MAX_RESTARTS = 20;

function recognition(): Make | undefined {
	const all = globalThis as { SpeechRecognition?: Make; webkitSpeechRecognition?: Make };
	return all.SpeechRecognition ?? all.webkitSpeechRecognition;
}

/** Reports whether this browser can recognise speech. */
export const canHear = (): boolean => recognition() !== undefined;

/**
 * The browser's own speech recognition, which its maker's servers may do. It hears the default
 * microphone from start() to stop(). It tells no times of words: they are spread over the time
 * since the speech began.
 */
export class BrowserEar {
	#make: Make | undefined;
	#now: () => number;
	#heard: (words: HeardWord[], final: boolean) => void;
	#running: Recognition | undefined;
	#began: number | undefined;
	#restarts = 0;

	/** `now` is the time of the play, in milliseconds. */
	constructor(
		now: () => number,
		heard: (words: HeardWord[], final: boolean) => void,
		make = recognition()
	) {
		this.#now = now;
		this.#heard = heard;
		this.#make = make;
	}

	start(): void {
		if (this.#running || !this.#make) return;
		const it = new this.#make();
		it.lang = 'en-GB';
		it.continuous = it.interimResults = true;
		it.onspeechstart = () => (this.#began ??= this.#now());
		it.onresult = (event) => this.#results(event);
		it.onerror = ({ error }) => {
			if (FINAL_ERRORS.includes(error)) this.stop();
		};
		// Browsers end it after a silence.
		it.onend = () => {
			if (this.#running !== it) return;
			this.#running = undefined;
			this.#began = undefined;
			if (++this.#restarts <= MAX_RESTARTS) this.start();
		};
		this.#running = it;
		try {
			it.start();
		} catch {
			this.#running = undefined; // another page is listening
		}
	}

	stop(): void {
		const it = this.#running;
		this.#running = undefined;
		this.#began = undefined;
		this.#restarts = 0;
		it?.abort();
	}

	#results({ resultIndex, results }: RecognitionEvent): void {
		for (let i = resultIndex; i < results.length; i++) {
			const result = results[i];
			const best = result?.[0];
			if (!result || !best) continue;
			this.#restarts = 0;
			const to = this.#now();
			const words = timed(best.transcript, this.#began ?? to, to, best.confidence);
			if (words.length > 0) this.#heard(words, result.isFinal);
			if (result.isFinal) this.#began = undefined;
			else this.#began ??= to;
		}
	}
}

/** Spreads the words of a text over a time, by their length. */
export function timed(
	text: string,
	from: number,
	to: number,
	confidence: number
): HeardWord[] {
	const words = text
		.trim()
		.split(/\s+/)
		.filter((w) => w && new TextEncoder().encode(w).length <= MAX_BYTES)
		.slice(-MAX_WORDS);
	const letters = words.reduce((n, w) => n + w.length, 0);
	let before = 0;
	const at = () => Math.max(0, Math.round(from + ((to - from) * before) / letters));
	return words.map((word) => {
		const start = at();
		before += word.length;
		return {
			text: word,
			from_ms: start,
			to_ms: at(),
			confidence: Math.min(1, Math.max(0, confidence || UNSURE))
		};
	});
}
