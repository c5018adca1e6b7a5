import { describe, expect, it } from 'vitest';
import { breakLeft, isLive, totalMinutes, whereWords } from './words';

describe('an exam in words', () => {
	it('says where it is', () => {
		expect(whereWords({ state: 'second' })).toBe('at the second role play');
		expect(isLive({ state: 'second' })).toBe(true);
		expect(isLive({ state: 'analysing' })).toBe(false);
	});

	it('has a break of a minute at most', () => {
		const exam = { changed_at: '2026-11-25T09:00:00Z' };
		const at = (time: string) => breakLeft(exam, Date.parse(`2026-11-25T${time}Z`));
		expect(at('09:00:00')).toBe(60);
		expect(at('09:00:45')).toBe(15);
		expect(at('09:05:00')).toBe(0);
		expect(at('08:59:00')).toBe(60); // the server's clock is ahead
	});

	it('takes about twenty minutes', () => {
		expect(totalMinutes(undefined)).toBe(19);
	});
});
