import { recording } from '$lib/api';
import { canRetry, explain } from '$lib/api/problem';
import type { Report, SpeakerReport } from '$lib/api/types';
import { Playback } from './playback.svelte';

/** Loads a report's recordings and plays them. The page that makes it calls close(). */
export class Recordings {
	readonly playback: Playback;
	loading = $state(true);
	/** Why the recordings could not be loaded, and whether another try can help. */
	problem = $state('');
	retryable = $state(false);

	#report: Report;
	#toSpeakers: (element: HTMLAudioElement) => Promise<void>;
	#stop = new AbortController();
	#urls: string[] = [];

	constructor(report: Report, toSpeakers: (element: HTMLAudioElement) => Promise<void>) {
		this.#report = report;
		this.#toSpeakers = toSpeakers;
		this.playback = new Playback(Math.max(0.1, report.duration_s));
	}

	load = async (): Promise<void> => {
		this.loading = true;
		this.problem = '';
		try {
			const recorded = this.#report.speakers.filter((s) => s.recording);
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
		const blob = await recording(this.#report.attempt_id, speaker, this.#stop.signal);
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
