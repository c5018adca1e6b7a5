import { expect, it } from 'vitest';
import { meterFraction } from './meter';

it('fills a meter of 60 dB', () => {
	expect([-90, -60, -30, 0].map(meterFraction)).toEqual([0, 0, 0.5, 1]);
});
