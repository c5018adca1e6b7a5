import { measure, type Level } from './level';

/** Measures a stream about 25 times a second while the page is shown. Owner: whoever made it; close() stops it. */
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

	/** Browsers hold sound back until the first click or key: call this from one. */
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
