import type { SoundChoices } from './microphone';

const KEY = 'bedside.sound';

interface Remembered extends SoundChoices {
	input: string;
	output: string;
	/** A soft sound tells when one minute is left. */
	cue: boolean;
	/** The reader agrees that the browser's own speech recognition helps the automatic patient. */
	browserHears: boolean;
}

const DEFAULTS: Remembered = {
	input: '',
	output: '',
	cue: true,
	browserHears: false,
	echoCancellation: true,
	noiseSuppression: true,
	autoGainControl: true
};

/**
 * The sound devices of this computer, and the reader's choices, which are kept in the browser. An
 * empty id means the system's default.
 */
export class Sound {
	inputs = $state.raw<MediaDeviceInfo[]>([]);
	outputs = $state.raw<MediaDeviceInfo[]>([]);
	input = $state('');
	output = $state('');
	cue = $state(true);
	browserHears = $state(false);
	choices = $state<SoundChoices>({
		echoCancellation: true,
		noiseSuppression: true,
		autoGainControl: true
	});

	#storage: Pick<Storage, 'getItem' | 'setItem'> | undefined;

	constructor(storage: Pick<Storage, 'getItem' | 'setItem'> | undefined) {
		this.#storage = storage;
		const { input, output, cue, browserHears, ...choices } = this.#read();
		this.input = input;
		this.output = output;
		this.cue = cue;
		this.browserHears = browserHears;
		this.choices = choices;
	}

	/** Reports whether this browser can choose the output device. */
	get choosesOutput(): boolean {
		return this.outputs.length > 0 && 'setSinkId' in HTMLMediaElement.prototype;
	}

	/** Updates the lists when devices come and go; the returned function stops that. */
	watch(devices: MediaDevices | undefined = navigator.mediaDevices): () => void {
		if (!devices) return () => undefined;
		const list = () => void this.list(devices);
		devices.addEventListener('devicechange', list);
		list();
		return () => devices.removeEventListener('devicechange', list);
	}

	/** Updates the lists. Names are known only once the microphone is allowed. */
	async list(devices: MediaDevices | undefined = navigator.mediaDevices): Promise<void> {
		if (!devices) return;
		const all = await devices.enumerateDevices();
		const own = (kind: MediaDeviceKind) =>
			all.filter(
				(d) =>
					d.kind === kind &&
					d.deviceId &&
					d.deviceId !== 'default' &&
					d.deviceId !== 'communications'
			);
		this.inputs = own('audioinput');
		this.outputs = own('audiooutput');
	}

	/** The chosen devices, as far as they are plugged in now. */
	get present(): { input: string; output: string } {
		const has = (list: MediaDeviceInfo[], id: string) =>
			list.some((d) => d.deviceId === id) ? id : '';
		return { input: has(this.inputs, this.input), output: has(this.outputs, this.output) };
	}

	save(): void {
		const value: Remembered = {
			input: this.input,
			output: this.output,
			cue: this.cue,
			browserHears: this.browserHears,
			...this.choices
		};
		try {
			this.#storage?.setItem(KEY, JSON.stringify(value));
		} catch {
			// Storage is full or blocked: the choice lasts until the page is closed.
		}
	}

	#read(): Remembered {
		try {
			const value: unknown = JSON.parse(this.#storage?.getItem(KEY) ?? '{}');
			if (typeof value !== 'object' || value === null) return DEFAULTS;
			const kept = Object.entries(value).filter(
				([key, v]) =>
					key in DEFAULTS && typeof v === typeof DEFAULTS[key as keyof Remembered]
			);
			return { ...DEFAULTS, ...Object.fromEntries(kept) };
		} catch {
			return DEFAULTS;
		}
	}
}

function storage(): Storage | undefined {
	try {
		return localStorage;
	} catch {
		return undefined;
	}
}

/** The page's sound settings. */
export const sound = new Sound(storage());
