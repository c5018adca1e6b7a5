import type { MediaItem } from '$lib/api/types';

/** What there is to say of a picture or a line besides its description. */
export function facts(item: MediaItem): string {
	const size = `${Math.max(1, Math.round(item.bytes / 1000))} kB`;
	if (item.kind === 'line')
		return `${item.duration_s.toFixed(1)} s, ${item.loudness_lufs.toFixed(0)} LUFS, ${size}`;
	return `${item.width} × ${item.height}, ${size}${item.public ? ', public' : ''}`;
}

/** What becomes of one that no scenario uses. */
export function fate(item: MediaItem, now = Date.now()): string {
	if (item.built_in) return 'Came with Bedside.';
	if (!item.deleted_at) return '';
	const hours = Math.ceil((Date.parse(item.deleted_at) - now) / 3_600_000);
	if (hours <= 1) return 'Not used. It is deleted within the hour.';
	return `Not used. It is deleted in ${hours} hours.`;
}
