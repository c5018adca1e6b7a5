import type { Account, AccountChange } from '$lib/api/types';

export const roleNames: Record<Account['role'], string> = {
	candidate: 'Candidate',
	tutor: 'Tutor',
	admin: 'Administrator'
};

export const roleItems = Object.entries(roleNames).map(([value, label]) => ({ value, label }));

const MAY: Record<Account['role'], string> = {
	candidate: 'They can practise, and see only their own data.',
	tutor: 'They can join the rooms of all candidates, play the patient, and read the cards and reports.',
	admin: 'They can do what you can: change everybody’s role, and disable accounts.'
};

/** Returns what to ask before an account is changed, and what to say afterwards. */
export function changeWords(
	account: Pick<Account, 'name'>,
	change: AccountChange
): { title: string; text: string; yes: string; done: string; danger: boolean } {
	const who = account.name;
	if (change.role) {
		const role = roleNames[change.role].toLowerCase();
		const a = change.role === 'admin' ? 'an' : 'a';
		return {
			title: `Make ${who} ${a} ${role}?`,
			text: MAY[change.role],
			yes: `Make them ${a} ${role}`,
			done: `${who} is now ${a} ${role}.`,
			danger: false
		};
	}
	if (change.disabled) {
		return {
			title: `Disable the account of ${who}?`,
			text: 'They are signed out everywhere, and cannot sign in again until you enable the account.',
			yes: 'Disable it',
			done: `The account of ${who} is disabled.`,
			danger: true
		};
	}
	return {
		title: `Enable the account of ${who}?`,
		text: 'They can sign in again.',
		yes: 'Enable it',
		done: `The account of ${who} is enabled.`,
		danger: false
	};
}
