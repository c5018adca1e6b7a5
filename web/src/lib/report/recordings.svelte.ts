import { canRetry, explain, Problem } from '$lib/api/problem';
import type { Report, Speaker, SpeakerReport } from '$lib/api/types';
import { Playback } from './playback.svelte';
import { lacksRecordings, waitForRecordings, type Source } from './wait';

/** What there is to say of recordings that cannot be played, in words. */
export function missing(report: Report): string {
	const states = report.speakers.map((s) => s.recording?.state);
	if (states.includes('pending')) {
		return (
			'The recording is not stored yet. The server keeps trying, and it appears here by ' +
			'itself.'
		);
	}
	if (states.includes('failed')) {
		return 'The recording could not be stored, so it cannot be played. The report is complete.';
	}
	if (states.includes('deleted')) {
		return 'The recording was deleted at the end of the time for which it is kept.';
	}
	return '';
}

type Sound = Pick<Source, 'report' | 'recordingPending' | 'recording'>;

/** An address works for at least 15 minutes. */
const FRESH_MS = 60_000;

const UNPLAYABLE = 'It could not be played. Check your connection, then try again.';

/** Loads a report's recordings and plays them. The page that makes it calls close(). */
export class Recordings {
	readonly playback: Playback;
	loading = $state(true);
	/** Why the recordings could not be loaded, and whether another try can help. */
	problem = $state('');
	retryable = $state(false);
	/** Why there is no recording to load, in words. */
	missing = $state('');

	#report: Report;
	#source: Sound;
	#toSpeakers: (element: HTMLAudioElement) => Promise<void>;
	#stop = new AbortController();
	#elements = new Map<HTMLAudioElement, Speaker>();
	/** When the addresses were new, in milliseconds since 1970. */
	#since = 0;
	#renewing = false;

	constructor(
		report: Report,
		source: Sound,
		toSpeakers: (element: HTMLAudioElement) => Promise<void>
	) {
		this.#report = report;
		this.#source = source;
		this.#toSpeakers = toSpeakers;
		this.playback = new Playback(Math.max(0.1, report.duration_s));
	}

	load = async (): Promise<void> => {
		this.loading = true;
		this.problem = '';
		this.#drop();
		try {
			this.missing = missing(this.#report);
			if (lacksRecordings(this.#report)) {
				this.loading = false;
				this.#report = await waitForRecordings(
					this.#report,
					this.#source,
					this.#stop.signal
				);
				this.missing = missing(this.#report);
				this.loading = true;
			}
			const recorded = this.#report.speakers.filter(
				(s) => s.recording && (s.recording.state ?? 'kept') === 'kept'
			);
			const tracks = await Promise.all(recorded.map((s) => this.#open(s)));
			if (!this.#stop.signal.aborted) this.playback.setTracks(tracks);
		} catch (error) {
			if (this.#stop.signal.aborted) return;
			this.problem = explain(error);
			this.retryable = canRetry(error);
		} finally {
			this.loading = false;
		}
	};

	close(): void {
		this.#stop.abort();
		this.playback.close();
		this.#drop();
	}

	/** Lets go of the elements, so that the browser stops loading them. */
	#drop(): void {
		for (const element of this.#elements.keys()) {
			element.onerror = element.onloadedmetadata = null;
			element.removeAttribute('src');
			element.load();
		}
		this.#elements.clear();
	}

	/** Returns an element that knows its length and loads the recording while it plays. */
	async #open({ speaker }: SpeakerReport): Promise<HTMLAudioElement> {
		const element = new Audio();
		element.preload = 'auto';
		this.#elements.set(element, speaker);
		await this.#address(element, speaker);
		// If the chosen device has gone, the system's default plays.
		await this.#toSpeakers(element).catch(() => undefined);
		return element;
	}

	/** Gives an element a new address, which works for some minutes, and waits for its length. */
	async #address(element: HTMLAudioElement, speaker: Speaker): Promise<void> {
		const url = await this.#source.recording(
			this.#report.attempt_id,
			speaker,
			this.#stop.signal
		);
		this.#stop.signal.throwIfAborted();
		await new Promise<void>((resolve, reject) => {
			element.onloadedmetadata = () => resolve();
			element.onerror = () => reject(new Problem(0, UNPLAYABLE));
			element.src = url;
		});
		this.#since = Date.now();
		element.onerror = () => void this.#renew();
	}

	/** Plays on at new addresses after an error, which the end of the old ones' time causes. */
	async #renew(): Promise<void> {
		if (this.#renewing) return;
		this.#renewing = true;
		const { playing } = this.playback;
		this.playback.pause();
		try {
			// An error that comes so soon has another cause, and would come again and again.
			if (Date.now() - this.#since < FRESH_MS) throw new Problem(0, UNPLAYABLE);
			await Promise.all([...this.#elements].map((e) => this.#address(...e)));
			this.playback.setRate(this.playback.rate); // a new address resets it
			this.playback.seek(this.playback.time);
			if (playing) await this.playback.play();
		} catch (error) {
			if (this.#stop.signal.aborted) return;
			this.playback.close();
			this.#drop();
			this.problem = explain(error);
			this.retryable = canRetry(error);
		} finally {
			this.#renewing = false;
		}
	}
}
