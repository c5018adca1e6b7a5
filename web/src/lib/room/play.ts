/** Makes an element play through a device, if the browser can choose one; empty is the default. */
export async function playThrough(element: HTMLMediaElement, output: string): Promise<void> {
	if ('setSinkId' in element && (output || element.sinkId)) await element.setSinkId(output);
}

/** Plays a blob and returns at its end. */
export async function playBlob(blob: Blob, output: string): Promise<void> {
	const url = URL.createObjectURL(blob);
	try {
		const element = new Audio(url);
		await playThrough(element, output);
		await new Promise<void>((resolve, reject) => {
			element.onended = () => resolve();
			element.onerror = () =>
				reject(new Error(element.error?.message || 'the sound could not be played'));
			element.play().catch(reject);
		});
	} finally {
		URL.revokeObjectURL(url);
	}
}
