/** Returns the text that is copied, downloaded or printed. */
export function sheet(codes: string[], email: string, made = new Date()): string {
	const day = made.toLocaleDateString('en-GB', {
		day: 'numeric',
		month: 'long',
		year: 'numeric'
	});
	return [
		`Recovery codes for Bedside, ${email}`,
		`Made on ${day}. Each code works once. Older codes no longer work.`,
		'',
		...codes,
		''
	].join('\n');
}

/** Lets the browser save a file, as if a link to it had been clicked. */
export function saveFile(name: string, content: Blob): void {
	const address = URL.createObjectURL(content);
	const link = document.createElement('a');
	link.href = address;
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(address), 60_000); // by then the browser has the file
}
