/** Formats seconds as a clock, 3:07. It rounds up, so that it shows 0:00 only at the end. */
export function clock(seconds: number): string {
	const whole = Math.max(0, Math.ceil(seconds - 1e-9));
	return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** Formats a time in a recording, 1:02.4. */
export function moment(seconds: number): string {
	const tenths = Math.max(0, Math.round(seconds * 10));
	return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, '0')}.${tenths % 10}`;
}

/** Formats a length of time: 5 minutes, 90 seconds. */
export function minutes(seconds: number): string {
	if (seconds % 60 === 0 && seconds > 0)
		return `${seconds / 60} ${seconds === 60 ? 'minute' : 'minutes'}`;
	return `${seconds} seconds`;
}

/** Formats a date and time in the reader's own time zone: Today, 08:05. */
export function when(iso: string, now = new Date()): string {
	const date = new Date(iso);
	const time = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
	const day = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
	const days = Math.round((day(now) - day(date)) / 86_400_000);
	if (days === 0) return `Today, ${time}`;
	if (days === 1) return `Yesterday, ${time}`;
	const year = date.getFullYear() === now.getFullYear() ? undefined : ('numeric' as const);
	return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year })}, ${time}`;
}

/** Formats a date in the reader's own time zone: 3 February 2026. */
export function day(iso: string): string {
	return new Date(iso).toLocaleDateString('en-GB', {
		day: 'numeric',
		month: 'long',
		year: 'numeric'
	});
}

/** Formats the size of a file: 3.4 MB. */
export function size(bytes: number): string {
	if (bytes < 1000) return `${bytes} bytes`;
	const steps = ['kB', 'MB', 'GB', 'TB'];
	const step = Math.min(steps.length, Math.floor(Math.log10(bytes) / 3));
	const shown = bytes / 1000 ** step;
	return `${shown < 10 ? shown.toFixed(1) : Math.round(shown)} ${steps[step - 1]}`;
}

/** Formats a date and time like `when`, for the middle of a sentence. */
export function whenInside(iso: string, now = new Date()): string {
	return when(iso, now).replace(/^(Today|Yesterday)/, (day) => day.toLowerCase());
}
