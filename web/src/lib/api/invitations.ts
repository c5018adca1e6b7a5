// Requests about invitations: links by which a friend becomes the patient of a role play.
import { call, send } from './http';
import type { Attempt, Invitation, InvitationLink } from './types';

const part = encodeURIComponent;
const of = (attempt: string) => `/api/attempts/${part(attempt)}/invitation`;

/** Makes the link of an attempt. Earlier ones stop working. */
export const invite = (attempt: string): Promise<InvitationLink> => send('POST', of(attempt));
export const revokeInvitation = (attempt: string): Promise<void> => send('DELETE', of(attempt));

/** Reads what a link is for; it works for guests too. */
export async function invitation(token: string): Promise<Invitation> {
	const answer = await call('GET', `/api/invitations/${part(token)}`, { guests: true });
	return (await answer.json()) as Invitation;
}

/** Becomes the patient of the role play, once. */
export const accept = (token: string): Promise<Attempt> =>
	send('POST', `/api/invitations/${part(token)}`);
