/** Plays through the chosen device, where the browser can choose. */
export async function route(element: HTMLMediaElement, output: string): Promise<void> {
	if ('setSinkId' in element && (output || element.sinkId)) await element.setSinkId(output);
}

/** Plays a blob to its end. */
export async function playBlob(blob: Blob, output: string): Promise<void> {
	const url = URL.createObjectURL(blob);
	try {
		const element = new Audio(url);
		await route(element, output);
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
