import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';

export interface Take {
	/** A WAV file, 48 kHz mono. */
	file: string;
	/**
	 * The silence before the first word, and the time from the first word to the last, in seconds.
	 */
	leadS: number;
	speechS: number;
}

export function folder(): string {
	return mkdtempSync(path(tmpdir(), 'bedside-e2e-'));
}

/**
 * Writes a spoken text as a WAV file, between silences. The speech is trimmed first, so that its
 * length is known.
 */
export function speak(
	dir: string,
	name: string,
	text: string,
	voice: string,
	leadS: number,
	tailS: number
): Take {
	const raw = path(dir, `${name}-raw.wav`);
	const trimmed = path(dir, `${name}-speech.wav`);
	const file = path(dir, `${name}.wav`);
	execFileSync('espeak-ng', ['-v', voice, '-s', '150', '-w', raw, text]);
	// Trims both ends at the same level; reversing makes the end the start.
	const trim = ['silence', '1', '0.01', '0.5%', 'reverse'];
	execFileSync('sox', [
		raw,
		'-r',
		'48000',
		'-c',
		'1',
		'-b',
		'16',
		trimmed,
		'norm',
		'-6',
		...trim,
		...trim
	]);
	const speechS = Number(execFileSync('sox', ['--i', '-D', trimmed], { encoding: 'utf8' }));
	execFileSync('sox', [trimmed, file, 'pad', String(leadS), String(tailS)]);
	return { file, leadS, speechS };
}

/** Joins takes into one file. */
export function join(dir: string, name: string, ...takes: Take[]): string {
	const file = path(dir, `${name}.wav`);
	execFileSync('sox', [...takes.map((take) => take.file), file]);
	return file;
}
