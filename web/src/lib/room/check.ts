/** What a sound check found, for the next role play of this session. */
interface Remembered {
	user: string;
	/** The microphones that there were, and the one that was chosen. */
	microphones: string;
	/** The reader agreed to be recorded as the candidate. */
	consent: boolean;
}

type Kept = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
type Listed = Pick<MediaDeviceInfo, 'kind' | 'deviceId' | 'groupId'>;

const KEY = 'bedside.check';

/**
 * The sound check that "Play it again" need not repeat. It is remembered in this tab, for one
 * user and the microphones of the check: when one of them comes or goes, or another is chosen, the
 * check is asked for again.
 */
export class SoundCheck {
	constructor(readonly storage: Kept | undefined) {}

	/** Remembers that a level was seen to move with this microphone, and what was agreed to. */
	remember(user: string, input: string, devices: Listed[], consent: boolean): void {
		const value: Remembered = { user, microphones: fingerprint(input, devices), consent };
		try {
			if (value.microphones) this.storage?.setItem(KEY, JSON.stringify(value));
		} catch {
			// Storage is blocked: the next role play asks for the check again.
		}
	}

	forget(): void {
		try {
			this.storage?.removeItem(KEY);
		} catch {
			// Storage is blocked: nothing is remembered either.
		}
	}

	/** Reports whether the user may go straight to a room with this microphone. */
	covers(user: string, input: string, devices: Listed[]): boolean {
		const now = fingerprint(input, devices);
		try {
			const kept = JSON.parse(
				this.storage?.getItem(KEY) ?? 'null'
			) as Partial<Remembered> | null;
			return (
				now !== '' &&
				kept?.user === user &&
				kept.microphones === now &&
				kept.consent === true
			);
		} catch {
			return false;
		}
	}
}

/** Describes the microphones. It is empty while the browser does not name them. */
function fingerprint(input: string, devices: Listed[]): string {
	const own = devices.filter((d) => d.kind === 'audioinput' && d.deviceId);
	// Groups have other names on each page. The entry of the system's choice belongs to the group
	// of the device that it stands for.
	const system = own.find((d) => d.deviceId === 'default');
	const chosen = own.find((d) => d !== system && d.groupId === system?.groupId);
	const ids = own.map((d) => d.deviceId).sort();
	return ids.length > 0 ? [input, chosen?.deviceId ?? '', ...ids].join('\n') : '';
}

function storage(): Kept | undefined {
	try {
		return sessionStorage;
	} catch {
		return undefined;
	}
}

/** The sound check of this tab. */
export const soundCheck = new SoundCheck(storage());
