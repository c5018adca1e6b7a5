import { playThrough } from './play';
import { note } from './chime';

/** How loud the cue is, of 1: it must not disturb a sentence, nor be heard in the recording. */
const VOLUME = 0.12;

/** Plays one short, soft note, unless the browser plays no sound without a click. */
export async function playCue(output: string): Promise<void> {
	const url = URL.createObjectURL(note());
	const element = new Audio(url);
	element.volume = VOLUME;
	const done = () => URL.revokeObjectURL(url);
	element.onended = element.onerror = done;
	try {
		await playThrough(element, output);
		await element.play();
	} catch {
		done();
	}
}
