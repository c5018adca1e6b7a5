/** What one moment sounded like in the page. */
export interface Moment {
	/** Level of what the others' voices play, dB re full scale. */
	db: number;
	/** Names of those who are shown as speaking. */
	speaking: string[];
}

export interface Ear {
	/** When the microphone was opened last, as performance.now() tells the time. */
	opened: number;
	heard: Moment[];
	/** What the page plays that is no call, and how loud each has been so far. */
	recordings: { element: HTMLAudioElement; db: number }[];
}

declare global {
	interface Window {
		ear: Ear;
	}
}

/** Runs in the page under test, before its scripts, and listens: to the tracks that are received, and to what is shown. Nothing is changed. */
export function ear(): void {
	const it: Ear = (window.ear = { opened: 0, heard: [], recordings: [] });

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
