import { expect, it } from 'vitest';
import { professionName } from './professions';

it('names professions', () => {
	expect(professionName('occupational-therapy')).toBe('Occupational therapy');
});
