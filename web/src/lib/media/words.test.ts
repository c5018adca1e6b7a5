import { describe, expect, it } from 'vitest';
import type { MediaItem } from '$lib/api/types';
import { accepted, fault } from './file';
import { facts, fate } from './words';

const item = (more: Partial<MediaItem>) =>
	({
		kind: 'scenario',
		bytes: 48_200,
		width: 1600,
		height: 900,
		duration_s: 0,
		loudness_lufs: 0,
		public: false,
		built_in: false,
		uses: [],
		...more
	}) as MediaItem;

describe('a picture or a line in words', () => {
	it('says what it is', () => {
		expect(facts(item({}))).toBe('1600 × 900, 48 kB');
		expect(facts(item({ public: true, bytes: 10 }))).toBe('1600 × 900, 1 kB, public');
		expect(facts(item({ kind: 'line', duration_s: 4.24, loudness_lufs: -22.98 }))).toBe(
			'4.2 s, -23 LUFS, 48 kB'
		);
	});

	it('says what becomes of it', () => {
		const now = Date.parse('2026-11-25T08:00:00Z');
		expect(fate(item({ built_in: true }), now)).toBe('Came with Bedside.');
		expect(fate(item({ deleted_at: '2026-11-25T20:30:00Z' }), now)).toContain('in 13 hours');
		expect(fate(item({ deleted_at: '2026-11-25T08:10:00Z' }), now)).toContain('the hour');
		expect(fate(item({}), now)).toBe('');
	});
});

describe('a file that is chosen', () => {
	const file = (type: string, size = 10) => {
		const f = new File([new Uint8Array(10)], 'x', { type });
		Object.defineProperty(f, 'size', { value: size });
		return f;
	};

	it('is refused when the server would refuse it', () => {
		expect(fault(file('image/png'), 'avatar')).toBe('');
		expect(fault(file('', 10), 'scenario')).toBe(''); // the server looks into it
		expect(fault(file('image/png', 0), 'scenario')).toContain('empty');
		expect(fault(file('image/png', 21 << 20), 'scenario')).toContain('20 MB');
		expect(fault(file('application/pdf'), 'scenario')).toContain('not a picture');
		expect(fault(file('image/png'), 'line')).toContain('not a sound');
		expect(fault(file('video/ogg'), 'line')).toBe('');
		expect(accepted('line')).toContain('.mp3');
	});
});
