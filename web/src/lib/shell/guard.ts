import { explain } from '$lib/api/problem';
import type { SignOutNotice, Status } from '$lib/api/auth.svelte';
import type { User } from '$lib/api/types';
import { error, redirect } from '@sveltejs/kit';
import { statusOf } from './errors';

/** What a guard knows of the session; `auth` is one. */
export interface Session {
	status: Status;
	user: User | null;
	/** Why it is not known who is signed in, with the status away. */
	failure: unknown;
	signOutNotice: SignOutNotice | undefined;
}

type Role = User['role'];

/** Returns the first page for somebody who signed in. */
export function home(user: Pick<User, 'role'> | null): string {
	return user === null || user.role === 'candidate' ? '/' : '/tutor';
}

/**
 * Lets only people with one of these roles pass. For a group's +layout.ts; the pages below it
 * await their parent before they ask the server for anything. Others are sent to the sign-in page
 * or get the error page, with `refusal` as its message.
 */
export function requireRole(session: Session, url: URL, roles: Role[], refusal = ''): void {
	requireAnswer(session);
	if (session.status !== 'in' || !session.user) redirect(307, signInAddress(session, url));
	if (!roles.includes(session.user.role)) error(403, { message: refusal, status: 403 });
}

/** Sends people who are signed in away from the sign-in page, to where they wanted to go. */
export function requireGuest(session: Session, url: URL): void {
	requireAnswer(session);
	if (session.status === 'in') redirect(307, nextPage(session, url));
}

/** Shows why the server has not said who is signed in: no answer, or too many requests. */
export function requireAnswer({ status, failure }: Session): void {
	if (status === 'away') error(503, { message: explain(failure), status: statusOf(failure) });
}

function signInAddress({ signOutNotice }: Session, { pathname, search }: URL): string {
	const next = signOutNotice?.back === false ? '/' : pathname + search;
	return next === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`;
}

/** Returns the page named by ?next=, if it is one of ours. */
function nextPage({ user }: Session, { searchParams, origin }: URL): string {
	const next = searchParams.get('next');
	if (next && URL.canParse(next, origin)) {
		const url = new URL(next, origin);
		if (url.origin === origin && !url.pathname.startsWith('//'))
			return url.pathname + url.search;
	}
	return home(user);
}
