/** Formats a length of practice: 1 h 25 min, 5 min, 40 s. */
export function practised(seconds: number): string {
	if (seconds < 60) return `${Math.round(seconds)} s`;
	const minutes = Math.round(seconds / 60);
	if (minutes < 60) return `${minutes} min`;
	const rest = minutes % 60;
	return rest ? `${Math.floor(minutes / 60)} h ${rest} min` : `${minutes / 60} h`;
}

/** Formats a date of the form 2026-11-02, which has no time zone: 2 Nov. */
export function dayMonth(date: string): string {
	return new Date(`${date}T00:00:00Z`).toLocaleDateString('en-GB', {
		day: 'numeric',
		month: 'short',
		timeZone: 'UTC'
	});
}

/** Returns the values of up to four grid lines, from 0 to a round number of at least `max`. */
export function gridLines(max: number): number[] {
	const wanted = Math.max(max, 1) / 3;
	const power = 10 ** Math.floor(Math.log10(wanted));
	const step = Math.max(
		1,
		[1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted) ?? 10 * power
	);
	const count = Math.ceil(Math.max(max, 1) / step);
	return Array.from({ length: count + 1 }, (_, i) => i * step);
}

/** Returns how many of `n` labels fit below a plot: one for each label, or each second, ... */
export function labelEvery(n: number, width: number, labelWidth = 52): number {
	return Math.max(1, Math.ceil((n * labelWidth) / Math.max(width, 1)));
}

const CRITERIA: Record<string, { name: string; top: number }> = {
	intelligibility: { name: 'Intelligibility', top: 6 },
	fluency: { name: 'Fluency', top: 6 },
	appropriateness: { name: 'Appropriateness of language', top: 6 },
	grammar: { name: 'Grammar and expression', top: 6 },
	relationship: { name: 'Building a relationship', top: 3 },
	perspective: { name: "The patient's perspective", top: 3 },
	structure: { name: 'Structure', top: 3 },
	gathering: { name: 'Gathering information', top: 3 },
	giving: { name: 'Giving information', top: 3 }
};

/** Returns a criterion's name as candidates know it. */
export const criterionName = (slug: string): string => CRITERIA[slug]?.name ?? slug;

/** Returns the highest score of a criterion. */
export const highestScore = (slug: string): number => CRITERIA[slug]?.top ?? 6;

/** All criteria, in the order of the test. */
export const criteria = (): string[] => Object.keys(CRITERIA);

/** Formats a range of scores: 3.5 to 4.5, or 4. */
export function range(low: number, high: number): string {
	const short = (n: number) => String(Math.round(n * 10) / 10);
	return short(low) === short(high) ? short(low) : `${short(low)} to ${short(high)}`;
}

/** Formats a part of a whole in per cent, or a dash when there is no whole. */
export function share(part: number, whole: number): string {
	return whole > 0 ? `${Math.round((100 * part) / whole)} %` : '–';
}
