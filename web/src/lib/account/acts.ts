import type { Act } from '$lib/api/types';

const WORDS: Record<string, [done: string, refused: string]> = {
	'user.register': ['Account created', 'Somebody tried to register with your address'],
	'user.create': ['Account created by an administrator', 'Creating the account failed'],
	'user.invite': ['Invitation mailed', 'Inviting failed'],
	'user.verify_email': ['Address confirmed', 'Confirming the address failed'],
	'user.forgot_password': ['New password requested', 'New password requested, but no mail sent'],
	'user.reset_password': ['New password set by a mailed link', 'Setting a new password failed'],
	'user.change_password': ['Password changed', 'Changing the password failed'],
	'user.change_email': ['Address changed', 'Changing the address failed'],
	'user.change_profile': ['Profile changed', 'Changing the profile failed'],
	'user.change_role': ['Role changed', 'Changing the role failed'],
	'user.disable': ['Account disabled', 'Disabling the account failed'],
	'user.enable': ['Account enabled again', 'Enabling the account failed'],
	'user.reauthenticate': ['Identity confirmed', 'Wrong password when confirming the identity'],
	'user.export': ['Archive of the data made', 'Making an archive failed'],
	'user.delete': ['Account deleted', 'Deleting the account failed'],
	'media.delete': ['Picture or sound deleted', 'Deleting a picture or sound failed'],
	'attempt.delete': ['Role play deleted', 'Deleting a role play failed'],
	'attempt.retry': ['Analysis started again', 'Starting an analysis again failed'],
	'retention.recordings': ['Recordings deleted at the end of their retention', ''],
	'retention.reports': ['Role plays deleted at the end of their retention', ''],
	'retention.audio_log': ['Sound of failed analyses deleted at the end of its retention', ''],
	'session.start': ['Signed in', 'Signing in failed'],
	'session.sign_out': ['Signed out', 'Signing out failed'],
	'session.end': ['Device signed out', 'Signing a device out failed'],
	'session.refresh_reused': [
		'Device signed out for safety',
		'Device signed out for safety: an old token of it was used again'
	],
	'factor.add': ['Way to sign in added', 'Adding a way to sign in failed'],
	'factor.remove': ['Way to sign in removed', 'Removing a way to sign in failed'],
	'factor.use': ['Second step taken', 'Second step failed'],
	'factor.new_recovery_codes': ['New recovery codes made', 'Making recovery codes failed']
};

/** Returns what an entry of the audit trail says. An unknown action is shown by its name. */
export function actWords(act: Pick<Act, 'action' | 'outcome'>): string {
	const known = WORDS[act.action];
	if (known) return known[act.outcome === 'done' ? 0 : 1];
	return act.action.replaceAll(/[._]/g, ' ') + (act.outcome === 'done' ? '' : ', refused');
}

/** Returns who did it, and how often in the hour, unless it was the reader. */
export function actorWords(act: Pick<Act, 'action' | 'own' | 'actor_id' | 'count'>): string {
	if (act.own) return '';
	if (act.actor_id) return 'By an administrator';
	if (/^(attempt|retention)\./.test(act.action)) return 'By the server’s operator';
	const times = act.count > 1 ? `, ${act.count} times within an hour` : '';
	return 'By somebody who was not signed in' + times;
}

const PARTS: Record<string, string> = {
	target_grade: 'target grade',
	test_date: 'day of the test',
	time_zone: 'time zone',
	locale: 'language and region'
};

/**
 * Returns the details of an entry, with field names in words. An object that is only an id is left
 * out.
 */
export function detailWords(act: Pick<Act, 'detail' | 'object'>): string {
	const object = /[0-9a-f]{8}-/.test(act.object) ? '' : act.object;
	return [object, ...act.detail.split(', ')]
		.filter(Boolean)
		.map((part) => PARTS[part] ?? part)
		.join(', ');
}
