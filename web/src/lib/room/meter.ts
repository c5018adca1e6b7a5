import { measure, type Level } from './level';

/**
 * Measures the level of a stream about 25 times a second while the page is visible. The caller
 * stops it with close().
 */
export class LevelMeter {
	#context: AudioContext;
	#source: MediaStreamAudioSourceNode;
	#timer: ReturnType<typeof setInterval>;

	constructor(stream: MediaStream, onLevel: (level: Level, at: number) => void) {
		this.#context = new AudioContext();
		this.#source = this.#context.createMediaStreamSource(stream);
		const analyser = this.#context.createAnalyser();
		analyser.fftSize = 2048;
		this.#source.connect(analyser);
		const samples = new Float32Array(analyser.fftSize);
		this.#timer = setInterval(() => {
			if (document.hidden || this.#context.state !== 'running') return;
			analyser.getFloatTimeDomainData(samples);
			onLevel(measure(samples), performance.now());
		}, 40);
	}

	/**
	 * Starts the measuring. Browsers allow that only after a click or key press, so call it from
	 * the handler of one.
	 */
	async resume(): Promise<void> {
		if (this.#context.state === 'suspended') await this.#context.resume();
	}

	get blocked(): boolean {
		return this.#context.state === 'suspended';
	}

	close(): void {
		clearInterval(this.#timer);
		this.#source.disconnect();
		void this.#context.close();
	}
}
