/** What the page played at one moment. */
export interface Moment {
	/** The level of all voices, dB re full scale. */
	db: number;
	/** The names of the people who are shown as speaking. */
	speaking: string[];
}

export interface PageAudio {
	/** When the microphone was opened last, by performance.now(). */
	opened: number;
	heard: Moment[];
	/** The recordings that the page has played, with the highest level of each. */
	recordings: { element: HTMLAudioElement; db: number }[];
}

declare global {
	interface Window {
		pageAudio: PageAudio;
	}
}

/**
 * Runs in the page before its scripts, and measures what it plays and shows. It changes nothing.
 */
export function recordPageAudio(): void {
	const it: PageAudio = (window.pageAudio = { opened: 0, heard: [], recordings: [] });

	const devices = navigator.mediaDevices;
	const open = devices.getUserMedia.bind(devices);
	devices.getUserMedia = async (constraints) => {
		const stream = await open(constraints);
		it.opened = performance.now();
		return stream;
	};

	const play = Reflect.get(HTMLMediaElement.prototype, 'play') as () => Promise<void>;
	HTMLMediaElement.prototype.play = function (this: HTMLAudioElement) {
		if (!this.srcObject && !it.recordings.some((r) => r.element === this))
			it.recordings.push({ element: this, db: -120 });
		return play.call(this);
	};

	let context: AudioContext | undefined;
	const taps = new Map<MediaStreamTrack, AnalyserNode>();
	const samples = new Float32Array(4096);
	const levels = (stream: MediaStream) => {
		context ??= new AudioContext({ sampleRate: 48_000 });
		if (context.state === 'suspended') void context.resume();
		let power = 0;
		for (const track of stream.getAudioTracks()) {
			let tap = taps.get(track);
			if (!tap) {
				tap = new AnalyserNode(context, { fftSize: samples.length });
				context.createMediaStreamSource(new MediaStream([track])).connect(tap);
				taps.set(track, tap);
			}
			tap.getFloatTimeDomainData(samples);
			power += samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
		}
		return power;
	};
	const decibels = (power: number) => (power > 0 ? 10 * Math.log10(power) : -120);
	const captures = new Map<HTMLAudioElement, MediaStream>();
	setInterval(() => {
		let power = 0;
		for (const { srcObject, paused, muted } of document.querySelectorAll('audio')) {
			if (srcObject instanceof MediaStream && !paused && !muted) power += levels(srcObject);
		}
		const speaking = [...document.querySelectorAll('.person.speaking strong')].map(
			(name) => name.textContent ?? ''
		);
		it.heard.push({ db: decibels(power), speaking });
		for (const recording of it.recordings) {
			if (recording.element.paused) continue;
			const stream =
				captures.get(recording.element) ??
				(
					recording.element as HTMLAudioElement & { captureStream(): MediaStream }
				).captureStream();
			captures.set(recording.element, stream);
			recording.db = Math.max(recording.db, decibels(levels(stream)));
		}
	}, 80);
}
