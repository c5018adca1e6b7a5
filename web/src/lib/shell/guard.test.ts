import { Problem } from '$lib/api/problem';
import type { User } from '$lib/api/types';
import { isHttpError, isRedirect } from '@sveltejs/kit';
import { describe, expect, it } from 'vitest';
import { home, requireGuest, requireRole, type Session } from './guard';

const as = (role: User['role']): Session => ({
	status: 'in',
	user: { role } as User,
	failure: undefined,
	signOutNotice: undefined
});
const out: Session = { status: 'out', user: null, failure: undefined, signOutNotice: undefined };
const away = (status: number): Session => ({
	...out,
	status: 'away',
	failure: new Problem(status, 'The reason.')
});
const at = (path: string) => new URL(path, 'https://bedside.example');

/** Runs a guard; returns where it redirects, the status of its error, or 'passed'. */
function outcome(guard: () => void): string | number {
	try {
		guard();
		return 'passed';
	} catch (thrown) {
		if (isRedirect(thrown)) return thrown.location;
		if (isHttpError(thrown)) return thrown.body.status ?? thrown.status;
		throw thrown;
	}
}

describe('a group for some roles', () => {
	const tutors = (session: Session, path = '/tutor') =>
		outcome(() => requireRole(session, at(path), ['tutor', 'admin'], 'For tutors.'));

	it('lets these roles pass', () => {
		expect([tutors(as('tutor')), tutors(as('admin'))]).toEqual(['passed', 'passed']);
	});

	it('refuses other roles', () => {
		expect(tutors(as('candidate'))).toBe(403);
	});

	it('sends guests to the sign-in page, and back afterwards', () => {
		expect(tutors(out)).toBe('/sign-in?next=%2Ftutor');
		expect(tutors(out, '/green-room?room=a&as=patient')).toBe(
			'/sign-in?next=%2Fgreen-room%3Froom%3Da%26as%3Dpatient'
		);
		expect(tutors(out, '/')).toBe('/sign-in');
	});

	it('does not send people back to where they signed out on purpose', () => {
		const signOutNotice = { kind: 'good' as const, words: '', back: false };
		expect(tutors({ ...out, signOutNotice })).toBe('/sign-in');
	});

	it('says when the server does not answer', () => {
		expect(tutors(away(0))).toBe(0);
		expect(tutors(away(429))).toBe(429);
		expect(outcome(() => requireGuest(away(429), at('/sign-in')))).toBe(429);
	});
});

describe('a page for guests', () => {
	const guests = (session: Session, path: string) =>
		outcome(() => requireGuest(session, at(path)));

	it('lets guests pass', () => {
		expect(guests(out, '/sign-in')).toBe('passed');
	});

	it('sends others to the page that they wanted', () => {
		expect(guests(as('candidate'), '/sign-in?next=/attempts/a1%3Fx=1')).toBe(
			'/attempts/a1?x=1'
		);
	});

	it('sends others to their first page when there is no such page', () => {
		for (const next of [
			'',
			'https://elsewhere.example/',
			'//elsewhere.example',
			'/%2F%2F',
			'http:'
		]) {
			const path = `/sign-in?next=${encodeURIComponent(next)}`;
			expect(guests(as('candidate'), path), next).not.toMatch(/elsewhere|^\/\//);
		}
		expect(guests(as('tutor'), '/sign-in')).toBe('/tutor');
	});
});

it('knows the first page of each role', () => {
	expect([home(null), home({ role: 'candidate' }), home({ role: 'admin' })]).toEqual([
		'/',
		'/',
		'/tutor'
	]);
});
