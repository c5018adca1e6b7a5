import type { MediaKind } from '$lib/api/types';

/** The server's limit unless its operator has changed it, which it then says itself. */
export const MAX_MB = 20;

const PICTURES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];
const SOUNDS = ['audio/wav', 'audio/ogg', 'audio/mpeg'];

/** What a file dialog offers for a kind. */
export const accepted = (kind: MediaKind): string =>
	kind === 'line' ? [...SOUNDS, '.wav', '.ogg', '.opus', '.mp3'].join(',') : PICTURES.join(',');

/** What may be uploaded as a kind, in words. */
export const formats = (kind: MediaKind): string =>
	kind === 'line'
		? `WAV, Ogg Opus or MP3, up to ${MAX_MB} MB`
		: `JPEG, PNG, GIF or WebP, up to ${MAX_MB} MB`;

/**
 * Returns why a file cannot be uploaded as a kind, or nothing. The server decides by what is in
 * the file; this only saves sending it.
 */
export function fault(file: File, kind: MediaKind): string {
	const wanted = kind === 'line' ? 'audio' : 'image';
	const [family] = file.type.split('/');
	if (file.size === 0) return 'The file is empty. Choose another one.';
	if (file.size > MAX_MB << 20)
		return `The file is larger than ${MAX_MB} MB. Choose a smaller one.`;
	if (family && family !== wanted && !(wanted === 'audio' && family === 'video'))
		return `This is not a ${kind === 'line' ? 'sound' : 'picture'}. Choose ${formats(kind)}.`;
	return '';
}
