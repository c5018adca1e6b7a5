import type { SoundChoices } from './microphone';

const KEY = 'bedside.sound';

interface Remembered extends SoundChoices {
	input: string;
	output: string;
}

const DEFAULTS: Remembered = {
	input: '',
	output: '',
	echoCancellation: true,
	noiseSuppression: true,
	autoGainControl: true
};

/** The devices of this computer and what was chosen of them. Choices are remembered; an empty id is the system's own choice. */
export class Sound {
	inputs = $state.raw<MediaDeviceInfo[]>([]);
	outputs = $state.raw<MediaDeviceInfo[]>([]);
	input = $state('');
	output = $state('');
	choices = $state<SoundChoices>({
		echoCancellation: true,
		noiseSuppression: true,
		autoGainControl: true
	});

	#storage: Pick<Storage, 'getItem' | 'setItem'> | undefined;

	constructor(storage: Pick<Storage, 'getItem' | 'setItem'> | undefined) {
		this.#storage = storage;
		const { input, output, ...choices } = this.#read();
		this.input = input;
		this.output = output;
		this.choices = choices;
	}

	/** Whether this browser can play through a chosen device. */
	get choosesOutput(): boolean {
		return this.outputs.length > 0 && 'setSinkId' in HTMLMediaElement.prototype;
	}

	/** Follows devices as they come and go; the returned function stops that. */
	follow(devices: MediaDevices | undefined = navigator.mediaDevices): () => void {
		if (!devices) return () => undefined;
		const look = () => void this.look(devices);
		devices.addEventListener('devicechange', look);
		look();
		return () => devices.removeEventListener('devicechange', look);
	}

	/** Lists the devices. Their names are known only once the microphone was allowed. */
	async look(devices: MediaDevices | undefined = navigator.mediaDevices): Promise<void> {
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

	/** A remembered device that is not plugged in now counts as not chosen. */
	get present(): { input: string; output: string } {
		const has = (list: MediaDeviceInfo[], id: string) =>
			list.some((d) => d.deviceId === id) ? id : '';
		return { input: has(this.inputs, this.input), output: has(this.outputs, this.output) };
	}

	remember(): void {
		const value: Remembered = { input: this.input, output: this.output, ...this.choices };
		try {
			this.#storage?.setItem(KEY, JSON.stringify(value));
		} catch {
			// Storage is full or blocked: the choice lasts as long as the page.
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

/** The page's one Sound. */
export const sound = new Sound(storage());
