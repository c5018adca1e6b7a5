import { canRetry, explain } from '$lib/api/problem';
import type { Report, SpeakerReport } from '$lib/api/types';
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
	#urls: string[] = [];

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
		this.#urls.forEach((url) => URL.revokeObjectURL(url));
	}

	/** Returns an element that has the whole recording and knows its length. */
	async #open({ speaker }: SpeakerReport): Promise<HTMLAudioElement> {
		const blob = await this.#source.recording(
			this.#report.attempt_id,
			speaker,
			this.#stop.signal
		);
		const url = URL.createObjectURL(blob);
		this.#urls.push(url);
		const element = new Audio();
		element.preload = 'auto';
		await new Promise<void>((resolve, reject) => {
			element.onloadedmetadata = () => resolve();
			element.onerror = () => reject(new Error(element.error?.message ?? 'not playable'));
			element.src = url;
		});
		// If the chosen device has gone, the system's default plays.
		await this.#toSpeakers(element).catch(() => undefined);
		return element;
	}
}
