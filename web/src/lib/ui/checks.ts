// Checks of what was typed in a form. Each returns what to do, or nothing when the value is right.
// The server checks all of it again.

export function email(value: string): string {
	if (value.trim() === '') return 'Enter your e-mail address.';
	if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value.trim()))
		return 'Enter the whole address, such as dana@example.org.';
	return '';
}

export function name(value: string): string {
	return value.trim() === '' ? 'Enter the name that others will see.' : '';
}

/** Checks only that there is a password. */
export function password(value: string): string {
	return value === '' ? 'Enter your password.' : '';
}

const SHORTEST = 8;
const LONGEST = 72;

export function newPassword(value: string): string {
	if (value === '') return 'Choose a password.';
	const bytes = new TextEncoder().encode(value).length; // an accented letter has two
	if ([...value].length < SHORTEST) return `Use at least ${SHORTEST} characters.`;
	if (bytes > LONGEST)
		return `Use a shorter one: at most ${LONGEST} plain letters, fewer with accents.`;
	return '';
}

/** Checks the six digits of an authenticator app. */
export function digits(value: string): string {
	if (value.trim() === '') return 'Enter the six digits that your app shows.';
	return /^\d{6}$/.test(bare(value))
		? ''
		: 'The code has six digits. Enter those that your app shows now.';
}

export function recoveryCode(value: string): string {
	if (value.trim() === '') return 'Enter one of your recovery codes.';
	return bare(value).length < 12 ? 'That is too short for a recovery code. Enter it whole.' : '';
}

/** Removes the spaces that people put between the parts of a code. */
export function bare(code: string): string {
	return code.replace(/\s/g, '');
}

export function day(value: string): string {
	if (value === '') return '';
	const year = Number(value.slice(0, 4));
	return !Number.isNaN(Date.parse(value)) && year >= 2000 && year <= 2100
		? ''
		: 'Enter the day of your test, or leave it empty.';
}
