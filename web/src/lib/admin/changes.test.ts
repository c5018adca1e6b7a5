import { expect, it } from 'vitest';
import { changeWords } from './changes';

it('says what a change of an account does', () => {
	expect(changeWords({ name: 'Dana' }, { role: 'admin' }).title).toBe(
		'Make Dana an administrator?'
	);
	expect(changeWords({ name: 'Dana' }, { disabled: true })).toMatchObject({
		danger: true,
		yes: 'Disable it'
	});
	expect(changeWords({ name: 'Dana' }, { disabled: false }).done).toBe(
		'The account of Dana is enabled.'
	);
});
