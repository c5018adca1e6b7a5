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
