/** What Playback needs of an <audio> element. */
export type Playable = Pick<
	HTMLMediaElement,
	| 'currentTime'
	| 'duration'
	| 'playbackRate'
	| 'paused'
	| 'ended'
	| 'muted'
	| 'seeking'
	| 'play'
	| 'pause'
>;

const DRIFT_S = 0.06;

/**
 * Plays the recordings of one conversation in step: the longest leads, and the others are
 * corrected when they drift. The page stops it with close().
 */
export class Playback {
	time = $state(0);
	playing = $state(false);
	rate = $state(1);
	problem = $state('');
	/** False until the recordings are loaded. */
	ready = $state(false);

	#duration: number;
	#tracks: Playable[] = [];
	#frame: number | undefined;
	#request: (step: () => void) => number;
	#cancel: (frame: number) => void;

	// requestAnimationFrame must be called as a method of window.
	constructor(
		duration: number,
		request = (step: () => void) => requestAnimationFrame(step),
		cancel = (frame: number) => cancelAnimationFrame(frame)
	) {
		this.#duration = duration;
		this.#request = request;
		this.#cancel = cancel;
	}

	get duration(): number {
		return this.#duration;
	}

	/** Sets the recordings, whose lengths are known. */
	setTracks(tracks: Playable[]): void {
		this.#tracks = [...tracks].sort((a, b) => b.duration - a.duration);
		for (const track of this.#tracks) {
			track.playbackRate = this.rate;
			this.#seekTrack(track, this.time);
		}
		this.ready = tracks.length > 0;
	}

	async play(): Promise<void> {
		const leader = this.#tracks[0];
		if (!leader || this.playing) return;
		if (this.time >= leader.duration - 0.05) this.seek(0);
		this.problem = '';
		this.playing = true;
		try {
			await Promise.all(this.#audible().map((track) => track.play()));
			this.#follow();
		} catch (error) {
			// An AbortError means that it was paused before it started.
			if (error instanceof DOMException && error.name === 'AbortError') return;
			this.pause();
			this.problem = 'The recording could not be played. Reload the page and try again.';
		}
	}

	pause(): void {
		this.playing = false;
		if (this.#frame !== undefined) this.#cancel(this.#frame);
		this.#frame = undefined;
		for (const track of this.#tracks) track.pause();
	}

	toggle(): void {
		if (this.playing) this.pause();
		else void this.play();
	}

	seek(t: number): void {
		this.time = Math.min(this.#duration, Math.max(0, t));
		for (const track of this.#tracks) {
			this.#seekTrack(track, this.time);
			if (this.playing && track.paused && this.time < track.duration)
				void this.#resume(track);
		}
	}

	/** Plays from a time. */
	playFrom(t: number): void {
		this.seek(t);
		void this.play();
	}

	setRate(rate: number): void {
		this.rate = rate;
		for (const track of this.#tracks) track.playbackRate = rate;
	}

	close(): void {
		this.pause();
		this.#tracks = [];
		this.ready = false;
	}

	/** Returns the recordings that have not ended at the current time. */
	#audible(): Playable[] {
		return this.#tracks.filter((track) => this.time < track.duration);
	}

	#seekTrack(track: Playable, t: number): void {
		track.currentTime = Math.min(t, Number.isFinite(track.duration) ? track.duration : t);
	}

	async #resume(track: Playable): Promise<void> {
		try {
			await track.play();
		} catch (error) {
			if (!(error instanceof DOMException && error.name === 'AbortError')) this.pause();
		}
	}

	#follow(): void {
		if (!this.playing) return;
		const [leader, ...others] = this.#tracks;
		if (!leader) return;
		if (leader.ended) {
			this.time = Math.min(this.#duration, leader.duration);
			this.pause();
			return;
		}
		this.time = leader.currentTime;
		for (const track of others) {
			// One that still seeks waits for the network: another seek would begin that again.
			const drifts = Math.abs(track.currentTime - this.time) > DRIFT_S;
			if (drifts && !track.seeking && this.time < track.duration)
				this.#seekTrack(track, this.time);
		}
		this.#frame = this.#request(() => this.#follow());
	}
}
