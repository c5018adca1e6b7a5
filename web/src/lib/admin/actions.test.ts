import { describe, expect, it } from 'vitest';
import { actionWords, type Action } from './actions';

const dana = { name: 'Dana', email: 'dana@example.org' };
const words = (action: Action) => actionWords(dana, action);

describe('the words for what an administrator does', () => {
	it('say what a change does', () => {
		expect(words({ kind: 'change', change: { role: 'admin' } }).title).toBe(
			'Make Dana an administrator?'
		);
		expect(words({ kind: 'change', change: { disabled: true } })).toMatchObject({
			danger: true,
			yes: 'Disable it'
		});
		expect(words({ kind: 'change', change: { disabled: false } }).done(0)).toBe(
			'The account of Dana is enabled.'
		);
	});

	it('name the account before anything is lost', () => {
		const all: Action[] = [
			{ kind: 'change', change: { disabled: true } },
			{ kind: 'sign-out' },
			{ kind: 'invite' },
			{ kind: 'delete' }
		];
		for (const action of all) {
			expect(words(action).title).toContain('Dana');
			expect(words(action).text).toContain('dana@example.org');
		}
	});

	it('count the devices', () => {
		const { done } = words({ kind: 'sign-out' });
		expect([0, 1, 3].map(done)).toEqual([
			'Dana was signed in nowhere.',
			'Dana was signed out on one device.',
			'Dana was signed out on 3 devices.'
		]);
	});
});
