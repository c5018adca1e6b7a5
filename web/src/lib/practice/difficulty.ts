const NAMES = ['', 'Gentle', 'Steady', 'Demanding'];

/** Returns the name of a level of difficulty, 1 to 3. */
export function difficultyName(level: number): string {
	return NAMES[level] ?? String(level);
}
