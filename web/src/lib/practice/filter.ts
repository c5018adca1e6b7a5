import type { ScenarioSummary } from '$lib/api/types';

/** Which role plays to show: of one profession or of all, of some difficulties or of all. */
export interface ScenarioFilter {
	profession: string;
	difficulties: string[];
}

/** The filter's value for every profession; a choice takes no empty value. */
export const ALL = 'all';

export const NO_FILTER: ScenarioFilter = { profession: ALL, difficulties: [] };

export function matches(
	{ profession, difficulty }: Pick<ScenarioSummary, 'profession' | 'difficulty'>,
	filter: ScenarioFilter
): boolean {
	const levels = filter.difficulties;
	return (
		(filter.profession === ALL || profession === filter.profession) &&
		(levels.length === 0 || levels.includes(String(difficulty)))
	);
}
