const RATE = 24_000;

/** Makes two soft notes as a WAV file, for the speaker test. */
export const chime = (): Blob => wav([523.25, 659.25], 1.1);

/** Makes one short, soft note as a WAV file. */
export const note = (): Blob => wav([440], 0.45);

/** Makes a WAV file of notes that fade away, each a little after the one before. */
function wav(notes: number[], seconds: number): Blob {
	const length = Math.round(RATE * seconds);
	const view = new DataView(new ArrayBuffer(44 + length * 2));
	const text = (at: number, s: string) =>
		[...s].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
	text(0, 'RIFF');
	view.setUint32(4, 36 + length * 2, true);
	text(8, 'WAVEfmt ');
	view.setUint32(16, 16, true);
	view.setUint16(20, 1, true);
	view.setUint16(22, 1, true);
	view.setUint32(24, RATE, true);
	view.setUint32(28, RATE * 2, true);
	view.setUint16(32, 2, true);
	view.setUint16(34, 16, true);
	text(36, 'data');
	view.setUint32(40, length * 2, true);
	for (let i = 0; i < length; i++) {
		let sample = 0;
		notes.forEach((hz, n) => {
			const t = i / RATE - n * 0.28;
			if (t > 0)
				sample +=
					Math.sin(2 * Math.PI * hz * t) * Math.exp(-5 * t) * Math.min(1, t / 0.01);
		});
		view.setInt16(44 + i * 2, Math.round(sample * 0.3 * 32_767), true);
	}
	return new Blob([view], { type: 'audio/wav' });
}
