import { get } from './http';
import type { Retention } from './types';

/** Asks how long the server keeps recordings and reports. */
export const retention = (signal?: AbortSignal): Promise<Retention> =>
	get('/api/retention', signal);

/** Formats a length of time in whole days, or hours when it is shorter. */
export function lasting(seconds: number): string {
	const [n, unit] =
		seconds < 2 * 86_400
			? [Math.round(seconds / 3_600), 'hour']
			: [Math.round(seconds / 86_400), 'day'];
	return `${n} ${unit}${n === 1 ? '' : 's'}`;
}

/** Says how long a recording is kept, in a sentence. */
export function recordingKept({ recordings_s, reports_s }: Retention): string {
	const limits = [recordings_s, reports_s].filter((s) => s > 0);
	if (limits.length === 0) return 'Recordings are kept until the account is deleted.';
	return `Recordings are deleted ${lasting(Math.min(...limits))} after the role play.`;
}

/** Says how long everything is kept, in sentences. */
export function allKept(kept: Retention): string[] {
	const { reports_s, audio_log_s } = kept;
	return [
		recordingKept(kept),
		reports_s > 0
			? `Role plays are deleted with their reports ${lasting(reports_s)} after they ended.`
			: 'Reports are kept until the account is deleted.',
		audio_log_s > 0
			? `When an analysis fails, the server keeps the sound for ${lasting(audio_log_s)}, so that it can be tried again.`
			: 'When an analysis fails, the server keeps the sound until the account is deleted, so that it can be tried again.'
	];
}
