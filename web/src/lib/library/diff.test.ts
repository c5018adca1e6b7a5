import { describe, expect, it } from 'vitest';
import { compare, shorten } from './diff';

const words = (before: string, after: string) =>
	compare(before, after).map(
		(line) => ({ same: ' ', old: '-', new: '+' })[line.kind] + line.text
	);

describe('compare', () => {
	it('keeps what is the same, and shows what went and what came', () => {
		expect(words('a\nb\nc\nd', 'a\nc\nx\nd')).toEqual([' a', '-b', ' c', '+x', ' d']);
	});

	it('gives both texts back', () => {
		const before = 'a\nb\nb\nc\n\nd';
		const after = 'b\na\nb\n\nc\nd\ne';
		const lines = compare(before, after);
		const side = (kind: string) =>
			lines
				.filter((line) => line.kind === 'same' || line.kind === kind)
				.map((line) => line.text)
				.join('\n');
		expect(side('old')).toBe(before);
		expect(side('new')).toBe(after);
	});

	it('finds nothing in equal texts', () => {
		expect(words('a\nb', 'a\nb')).toEqual([' a', ' b']);
	});
});

describe('shorten', () => {
	it('counts the lines that it leaves out', () => {
		const text = Array.from({ length: 20 }, (_, n) => `line ${n}`);
		const changed = text.with(10, 'other');
		const short = shorten(compare(text.join('\n'), changed.join('\n')), 1);
		expect(short.map((line) => line.kind)).toEqual([
			'gap',
			'same',
			'old',
			'new',
			'same',
			'gap'
		]);
		expect(short[0]).toEqual({ kind: 'gap', lines: 9 });
	});
});
