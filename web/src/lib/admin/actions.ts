import type { Account, AccountChange } from '$lib/api/types';

/** What an administrator can do with an account, once they have confirmed it. */
export type Action =
	| { kind: 'change'; change: AccountChange }
	| { kind: 'sign-out' }
	| { kind: 'invite' }
	| { kind: 'delete' };

/** What a dialog asks before an action, and what is said afterwards. */
export interface ActionWords {
	title: string;
	text: string;
	yes: string;
	danger: boolean;
	/** `ended` is the number of devices that were signed out. */
	done: (ended: number) => string;
}

export const roleNames: Record<Account['role'], string> = {
	candidate: 'Candidate',
	tutor: 'Tutor',
	admin: 'Administrator'
};

export const roleItems = Object.entries(roleNames).map(([value, label]) => ({ value, label }));

const MAY: Record<Account['role'], string> = {
	candidate: 'They can practise, and see only their own data.',
	tutor: 'They can join the rooms of all candidates, play the patient, and read the cards and reports.',
	admin: 'They can do what you can: change everybody’s role, and create, disable and delete accounts.'
};

/** The account that a dialog is about: two people can have the same name. */
type Named = Pick<Account, 'name' | 'email'>;

/** Returns the words for an action. */
export function actionWords(account: Named, action: Action): ActionWords {
	const who = account.name;
	switch (action.kind) {
		case 'change':
			return changeWords(account, action.change);
		case 'sign-out':
			return {
				title: `Sign ${who} out everywhere?`,
				text: `All devices of ${account.email} are signed out at once, and leave the rooms they are in. Signing in again stays possible.`,
				yes: 'Sign them out',
				danger: true,
				done: (ended) =>
					ended === 0
						? `${who} was signed in nowhere.`
						: `${who} was signed out on ${devices(ended)}.`
			};
		case 'invite':
			return {
				title: `Mail ${who} the invitation again?`,
				text: `A new link to choose a password goes to ${account.email}. It works once, for a week.`,
				yes: 'Mail it',
				danger: false,
				done: () => `${who} was mailed a new invitation.`
			};
		case 'delete':
			return {
				title: `Delete the account of ${who}?`,
				text: `The account of ${account.email} is deleted with its role plays, reports and recordings, at once and for good. They are told by mail.`,
				yes: 'Delete it for good',
				danger: true,
				done: () => `The account of ${who} is deleted.`
			};
	}
}

const devices = (n: number) => (n === 1 ? 'one device' : `${n} devices`);

function changeWords(account: Named, change: AccountChange): ActionWords {
	const who = account.name;
	if (change.role) {
		const role = roleNames[change.role].toLowerCase();
		const a = change.role === 'admin' ? 'an' : 'a';
		return {
			title: `Make ${who} ${a} ${role}?`,
			text: MAY[change.role],
			yes: `Make them ${a} ${role}`,
			danger: false,
			done: () => `${who} is now ${a} ${role}.`
		};
	}
	if (change.disabled) {
		return {
			title: `Disable the account of ${who}?`,
			text: `${account.email} is signed out everywhere, and cannot sign in until you enable the account.`,
			yes: 'Disable it',
			danger: true,
			done: () => `The account of ${who} is disabled.`
		};
	}
	return {
		title: `Enable the account of ${who}?`,
		text: `${account.email} can sign in again.`,
		yes: 'Enable it',
		danger: false,
		done: () => `The account of ${who} is enabled.`
	};
}
