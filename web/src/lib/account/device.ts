import type { Session } from '$lib/api/types';

/** Returns the name of a device: Firefox 143 on Linux. */
export function deviceName(device: Pick<Session, 'browser' | 'system' | 'kind'>): string {
	if (device.browser && device.system) return `${device.browser} on ${device.system}`;
	return (
		device.browser ||
		device.system ||
		(device.kind === 'program' ? 'A program' : 'A device that does not say what it is')
	);
}

const KINDS: Record<Session['kind'], string> = {
	desktop: 'Computer',
	mobile: 'Phone',
	tablet: 'Tablet',
	program: 'Program',
	unknown: ''
};

export const kindWords = (kind: Session['kind']): string => KINDS[kind];
