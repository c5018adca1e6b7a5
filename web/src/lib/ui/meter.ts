/** Returns how far a level fills a meter, 0 to 1. The meter's lower end is -60 dB. */
export function meterFraction(db: number): number {
	return Math.min(1, Math.max(0, (db + 60) / 60));
}
