import type { Schema } from '$lib/api/library';
import { describe, expect, it } from 'vitest';
import { pathName, read, set, write } from './yaml';

const text = { type: 'string', maxLength: 2000 } as const;
const schema: Schema = {
	type: 'object',
	properties: {
		title: text,
		tags: { type: 'array', items: text, uniqueItems: true },
		summary: text,
		tasks: {
			type: 'array',
			items: { anyOf: [text, { type: 'object', properties: { id: text, text } }] }
		}
	}
};

describe('write', () => {
	it('orders the keys, folds long texts and keeps short words on one line', () => {
		const summary = 'Many words. '.repeat(10).trim();
		const written = write(
			{ tasks: [{ text: 'Ask', id: 't1' }], tags: ['a', 'b'], summary, title: 'T: x' },
			schema
		);
		expect(written).toMatch(
			/^title: "T: x"\ntags: \[a, b\]\nsummary: >-?\n( {2}.{1,98}\n)+tasks:\n/
		);
		expect(written).toContain('- id: t1\n    text: Ask');
		expect(read(written)?.summary).toBe(summary);
	});
});

describe('set', () => {
	const before = '# about\ntitle: A\ntasks:\n  - one # first\n  - two\n';

	it('leaves the rest as it is', () => {
		expect(set(before, ['title'], 'B')).toBe(before.replace('A', 'B'));
		expect(set(before, ['tasks', 0], '7')).toBe(before.replace('one', '"7"'));
	});

	it('adds and removes', () => {
		expect(set(before, ['card', 'mood'], 'calm')).toBe(before + 'card:\n  mood: calm\n');
		expect(set(before, ['tasks', 1], undefined)).toBe(before.replace('  - two\n', ''));
		expect(set(before, ['title'], undefined)).not.toContain('title');
	});

	it('does not touch what it cannot read', () => {
		expect(set('a: [', ['a'], 1)).toBe('a: [');
		for (const text of ['a: [', 'a: &x 1\nb: *x', '- one', 'a: *important'])
			expect(read(text), text).toBeUndefined();
		expect(read('- a')).toBeUndefined();
	});
});

it('names paths as findings do', () => {
	expect(pathName(['candidate_card', 'tasks', 1, 'text'])).toBe('candidate_card.tasks[1].text');
});
