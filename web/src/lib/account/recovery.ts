/** What is copied, kept as a file and printed. */
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

/** Gives a file to the browser to keep. */
export function keep(name: string, content: Blob): void {
	const address = URL.createObjectURL(content);
	const link = document.createElement('a');
	link.href = address;
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(address), 60_000); // when the browser has certainly begun
}
