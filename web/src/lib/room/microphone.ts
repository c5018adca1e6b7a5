export interface SoundChoices {
	echoCancellation: boolean;
	noiseSuppression: boolean;
	autoGainControl: boolean;
}

export type MicrophoneProblem =
	'insecure' | 'unsupported' | 'denied' | 'missing' | 'busy' | 'unknown';

/** Thrown when no microphone could be opened. `detail` is what the browser said. */
export class MicrophoneError extends Error {
	constructor(
		readonly problem: MicrophoneProblem,
		readonly detail: string
	) {
		super(`microphone: ${problem} (${detail})`);
		this.name = 'MicrophoneError';
	}
}

export interface MediaEnvironment {
	secure: boolean;
	mediaDevices: MediaDevices | undefined;
}

/** Opens a microphone in mono. If the chosen device is gone, it opens the default one. */
export async function openMicrophone(
	deviceId: string,
	choices: SoundChoices,
	environment: MediaEnvironment = {
		secure: isSecureContext,
		mediaDevices: navigator.mediaDevices
	}
): Promise<MediaStream> {
	if (!environment.secure)
		throw new MicrophoneError('insecure', 'the page is not on a secure address');
	const devices = environment.mediaDevices;
	if (!devices?.getUserMedia) throw new MicrophoneError('unsupported', 'no getUserMedia');
	const audio: MediaTrackConstraints = { ...choices, channelCount: 1 };
	try {
		try {
			return await devices.getUserMedia({
				audio: deviceId ? { ...audio, deviceId: { exact: deviceId } } : audio
			});
		} catch (error) {
			const gone =
				error instanceof DOMException &&
				(error.name === 'OverconstrainedError' || error.name === 'NotFoundError');
			if (!deviceId || !gone) throw error;
			return await devices.getUserMedia({ audio });
		}
	} catch (error) {
		throw new MicrophoneError(
			problemOf(error),
			error instanceof Error ? `${error.name}: ${error.message}` : String(error)
		);
	}
}

function problemOf(error: unknown): MicrophoneProblem {
	switch (error instanceof Error ? error.name : '') {
		case 'NotAllowedError':
		case 'SecurityError':
			return 'denied';
		case 'NotFoundError':
		case 'OverconstrainedError':
			return 'missing';
		case 'NotReadableError':
		case 'AbortError':
			return 'busy';
		default:
			return 'unknown';
	}
}

export interface Remedy {
	title: string;
	steps: string[];
}

/** Returns what to do about a problem. */
export function remedy(problem: MicrophoneProblem, address: string): Remedy {
	switch (problem) {
		case 'insecure':
			return {
				title: 'This address is not secure, so the browser blocks the microphone',
				steps: [
					`You are on ${address}. Browsers allow the microphone only on https:// and on localhost.`,
					'Ask the person who runs this server for its https:// address.',
					'If Bedside runs on this computer, open it as http://localhost instead.'
				]
			};
		case 'unsupported':
			return {
				title: 'This browser cannot use a microphone',
				steps: [
					'Open Bedside in a current Firefox, Chrome, Edge or Safari.',
					'Pages opened inside another app often have no microphone: open the address in the browser itself.'
				]
			};
		case 'denied':
			return {
				title: 'The microphone is blocked for this page',
				steps: [
					'Click the icon at the left of the address bar and set Microphone to Allow.',
					'If it is allowed there, look in your system’s privacy settings: the browser needs permission too.',
					'Then try again.'
				]
			};
		case 'missing':
			return {
				title: 'No microphone was found',
				steps: [
					'Plug in a headset or a microphone. A wired headset gives the clearest recording.',
					'A Bluetooth headset must be connected before it shows up here.',
					'Then try again.'
				]
			};
		case 'busy':
			return {
				title: 'Another program is using the microphone',
				steps: [
					'Close other calls and recorders, and other tabs that use the microphone.',
					'Unplug the headset and plug it in again if it still does not answer.',
					'Then try again.'
				]
			};
		case 'unknown':
			return {
				title: 'The microphone did not start',
				steps: [
					'Try again, or choose another microphone.',
					'Restarting the browser often helps.'
				]
			};
	}
}
