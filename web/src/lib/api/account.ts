// Requests about accounts: registration, the own account, and administration.
import type { PasskeyAnswer } from './factors';
import { request } from './request';
import { get, send } from './http';
import type {
	Account,
	AccountChange,
	AccountPage,
	NewAccount,
	ActPage,
	ProfileChange,
	Registration,
	RegistrationMode,
	Session,
	User
} from './types';

/** Answers the same whether the address has an account or not. */
export const register = (account: Registration) =>
	request('POST', '/auth/register', { body: account });

/** Returns who may register: open when the server does not say, since registering answers then. */
export async function registrationMode(): Promise<RegistrationMode> {
	try {
		const answer = await request('GET', '/auth/registration');
		const state = (await answer.json()) as { registration?: RegistrationMode };
		return state.registration ?? 'open';
	} catch {
		return 'open';
	}
}
export const forgotPassword = (email: string) =>
	request('POST', '/auth/forgot-password', { body: { email } });

/** Requests that carry the token of a mailed link. */
export const resetPassword = (token: string, password: string) =>
	request('POST', '/auth/reset-password', { body: { token, password } });
export async function verifyEmail(token: string): Promise<string> {
	const { email } = (await (
		await request('POST', '/auth/verify-email', { body: { token } })
	).json()) as { email: string };
	return email;
}

export const profile = (): Promise<User> => get('/api/users/profile');
export const changeProfile = (change: ProfileChange): Promise<User> =>
	send('PATCH', '/api/users/profile', change);

/** What proves who changes the password: the password so far, a code or a passkey. */
export type PasswordProof =
	{ current_password: string } | { code: string } | { passkey: PasskeyAnswer };
export const changePassword = (password: string, proof: PasswordProof): Promise<void> =>
	send('POST', '/api/users/profile/password', { password, ...proof });
export const changeEmail = (email: string): Promise<void> =>
	send('POST', '/api/users/profile/email', { email });
export const resendVerification = (): Promise<void> =>
	send('POST', '/auth/resend-verification', {});
export const reauthenticate = (password: string): Promise<void> =>
	send('POST', '/auth/reauthenticate', { password });

export const devices = async (): Promise<Session[]> =>
	(await get<{ items: Session[] }>('/api/sessions')).items;
export const endDevice = (id: string): Promise<void> =>
	send('DELETE', `/api/sessions/${encodeURIComponent(id)}`);
export const endOtherDevices = (): Promise<{ ended: number }> => send('DELETE', '/api/sessions');

export const activity = (before = ''): Promise<ActPage> => get(`/api/audit${query({ before })}`);

export interface AccountFilter {
	text: string;
	role: string;
	disabled: string;
}

export const accounts = (filter: AccountFilter, before = ''): Promise<AccountPage> =>
	get(`/api/users${query({ ...filter, before })}`);
export const changeAccount = (id: string, change: AccountChange): Promise<Account> =>
	send('PATCH', `/api/users/${encodeURIComponent(id)}`, change);

/** Without a password the owner is mailed an invitation to choose one. */
export const createAccount = (account: NewAccount): Promise<Account> =>
	send('POST', '/api/users', account);
export const inviteAgain = (id: string): Promise<void> =>
	send('POST', `/api/users/${encodeURIComponent(id)}/invitation`, {});
export const deleteOther = (id: string): Promise<void> =>
	send('DELETE', `/api/users/${encodeURIComponent(id)}`);
export const endSessionsOf = (id: string): Promise<{ ended: number }> =>
	send('DELETE', `/api/sessions/user/${encodeURIComponent(id)}`);

/** Returns the query string for the parts that are not empty. */
function query(parts: Record<string, string>): string {
	const given = Object.entries(parts).filter(([, value]) => value !== '');
	return given.length > 0 ? `?${new URLSearchParams(given)}` : '';
}
