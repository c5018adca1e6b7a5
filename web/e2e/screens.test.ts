import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { components } from '../src/lib/gen/api.ts';
import { choose, inspect, NARROW, picture } from './browser.ts';
import * as fixtures from './fixtures.ts';
import { roomServer } from './room-server.ts';
import { useMock } from './setup.ts';

type Schemas = components['schemas'];

const screens = useMock(
	'Good morning, Mr Bauer. My name is Dana. What worries you most about starting insulin?',
	{ lead: 0.5, tail: 20 },
	{ permissions: ['microphone'] },
	(context) => context.addInitScript(roomServer)
);
let page: Page;
let server: typeof screens.server;
beforeEach(() => void ({ page, server } = screens));

describe('accounts', () => {
	it('sign-in', async () => {
		server.user = null;
		await page.goto('/attempts/a1');
		await page.getByRole('heading', { name: 'Sign in' }).waitFor();
		await inspect(page, 'sign-in');
		server.answers.set('POST /auth/login', {
			status: 401,
			body: { detail: 'The address or the password is wrong.' }
		});
		await page.getByLabel('E-mail').fill('a@b.example');
		await page.getByLabel('Password', { exact: true }).fill('wrong');
		await page.getByRole('button', { name: 'Sign in', exact: true }).click();
		await page.getByRole('alert').getByText('The address or the password is wrong.').waitFor();
		await inspect(page, 'sign-in-refused');
		server.answers.clear();
		await page.getByRole('button', { name: 'Sign in', exact: true }).click();
		await page.waitForURL('**/attempts/a1'); // the page that was asked for
	});

	it('register', async () => {
		server.user = null;
		await page.goto('/register');
		await page.getByRole('button', { name: 'Create my account' }).waitFor();
		await inspect(page, 'register');
		await page.getByLabel('Your profession').click();
		await picture(page, 'register-professions-1280', false);
		await choose(page, 'Nursing');
		await page.getByText('Nursing', { exact: true }).waitFor();
	});

	it('signing out leads to the sign-in', async () => {
		await page.goto('/');
		await page.getByRole('button', { name: /Your menu/ }).click();
		await page.getByRole('menuitem', { name: 'Sign out' }).waitFor();
		await picture(page, 'menu-1280', false);
		await page.getByRole('menuitemradio', { name: 'Dark' }).click();
		await page.waitForFunction(
			() => getComputedStyle(document.documentElement).colorScheme === 'dark'
		);
		await page.getByRole('menuitem', { name: 'Sign out' }).click();
		await page.waitForURL('**/sign-in');
	});

	it('a server that does not answer', async () => {
		await page.route('**/auth/refresh', (r) => r.abort());
		await page.goto('/');
		await page.getByRole('alert').waitFor();
		await inspect(page, 'away');
		await page.unroute('**/auth/refresh');
		await page.getByRole('button', { name: 'Try again' }).click();
		await page.getByRole('heading', { name: /Hello, Dana/ }).waitFor();
		screens.problems.length = 0; // the refused request
	});

	it('a server that was asked too often', async () => {
		server.answers.set('POST /auth/refresh', {
			status: 429,
			body: { status: 429, detail: 'Too many requests. Try again in 20 seconds.' }
		});
		await page.goto('/');
		await page.getByRole('heading', { name: 'Too many requests' }).waitFor();
		await page.getByText('Try again in 20 seconds.').waitFor();
		await inspect(page, 'too-many');
		server.answers.clear();
		await page.getByRole('button', { name: 'Try again' }).click();
		await page.getByRole('heading', { name: /Hello, Dana/ }).waitFor();
	});
});

describe('choosing', () => {
	it('scenario', async () => {
		await page.goto('/scenarios/insulin');
		await page.getByRole('link', { name: 'With a tutor' }).waitFor();
		await inspect(page, 'scenario');
	});

	it('shows a skeleton until the role play is loaded', async () => {
		server.answers.set('GET /api/scenarios/insulin', 'never');
		await page.goto('/scenarios/insulin');
		await page.getByText('Loading the role play').waitFor({ state: 'attached' });
		await page.locator('.skeleton').first().waitFor();
		await inspect(page, 'scenario-loading');
	});

	it('shows a skeleton while the app finds out who is signed in', async () => {
		server.answers.set('POST /auth/refresh', 'never');
		await page.goto('/');
		await page.getByRole('status').getByText('Loading').waitFor();
		await picture(page, 'boot-1280', false);
		await page.setViewportSize(NARROW);
		await picture(page, 'boot-360', false);
	});
});

describe('a page that is not there', () => {
	it('an unknown address', async () => {
		await page.goto('/nowhere/at/all');
		await page.getByRole('heading', { name: 'Not found' }).waitFor();
		await page.getByRole('link', { name: 'Go to the start' }).waitFor();
		await inspect(page, 'not-found');
		screens.problems.length = 0; // SvelteKit logs it
	});

	it.each([
		['an unknown role play', '/scenarios/none', 'GET /api/scenarios/none', 404],
		['an unknown attempt', '/attempts/none', 'GET /api/attempts/none', 404],
		['an unknown room', '/room/none', 'GET /api/attempts/none', 404],
		['the sound check for an unknown room', '/green-room?room=x', 'GET /api/attempts/x', 404],
		['somebody else’s attempt', '/attempts/theirs', 'GET /api/attempts/theirs', 403]
	] as const)('%s', async (name, path, request, status) => {
		const detail = 'This attempt is not yours.';
		server.answers.set(request, { status, body: { status, detail } });
		await page.goto(path);
		const title = status === 404 ? 'Not found' : 'This page is not for your account';
		await page.getByRole('heading', { name: title }).waitFor();
		expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0);
		await inspect(page, name.replaceAll(/\W+/g, '-'));
		await page.getByRole('link', { name: 'Go to the start' }).click();
		await page.getByRole('heading', { name: /Hello, Dana/ }).waitFor();
	});

	it('tries again after a server error', async () => {
		server.answers.set('GET /api/scenarios/insulin', { status: 503, body: {} });
		await page.goto('/scenarios/insulin');
		await page.getByRole('heading', { name: 'This page could not be shown' }).waitFor();
		await inspect(page, 'scenario-failed');
		server.answers.clear();
		await page.getByRole('button', { name: 'Try again' }).click();
		await page.getByRole('link', { name: 'With a tutor' }).waitFor();
	});
});

describe('a candidate', () => {
	it.each([
		['/tutor', 'This page is for tutors.', 'GET /api/rooms'],
		['/admin/users', 'This page is for administrators.', 'GET /api/users'],
		['/admin/speech', 'This page is for administrators.', 'GET /api/patient/workers']
	])('does not see %s, and the server is not asked', async (path, words, request) => {
		await page.goto(path);
		await page.getByRole('heading', { name: 'This page is not for your account' }).waitFor();
		await page.getByText(words).waitFor();
		expect(await page.getByRole('heading').allInnerTexts()).toEqual([
			'This page is not for your account'
		]);
		await inspect(page, `refused${path.replaceAll('/', '-')}`);
		expect(server.sent.has(request)).toBe(false);
		await page.getByRole('link', { name: 'Go to the start' }).click();
		await page.getByRole('heading', { name: /Hello, Dana/ }).waitFor();
	});
});

describe('report', () => {
	it('shows, plays and seeks', async () => {
		await page.goto('/attempts/a1');
		const play = page.getByRole('button', { name: 'Play', exact: true });
		await play.waitFor();
		await page.waitForFunction(
			() => !document.querySelector('figure button')?.hasAttribute('disabled')
		);
		await inspect(page, 'report');
		const place = page.getByRole('slider', { name: 'Position in the recording' });
		await place.focus();
		await page.keyboard.press('ArrowRight');
		expect(await place.getAttribute('aria-valuetext')).toBe('0:02.0 of 5:00');
		await page.keyboard.press(' ');
		await page.getByRole('button', { name: 'Pause' }).waitFor();
		await page.waitForFunction(
			() =>
				Number(document.querySelector('[role=slider]')?.getAttribute('aria-valuenow')) >= 3
		);
		await page.keyboard.press(' ');
		await play.waitFor();
		await page.getByRole('button', { name: 'Zoom in' }).click();
		await page.getByRole('button', { name: 'Zoom in' }).click();
		await page.getByRole('button', { name: 'Zoom in' }).click();
		await page.locator('ol button').first().click();
		await page.getByRole('button', { name: 'Pause' }).click();
		await inspect(page, 'report-zoomed');
		await page.getByRole('tab', { name: /as the patient/ }).click();
		await page.getByText('What the patient had on their card').click();
		await inspect(page, 'report-patient');
	});

	it('shows what was said to the automatic patient', async () => {
		const report = fixtures.report('a1');
		const utterances: Schemas['Utterance'][] = [];
		for (let i = 0; i < 8; i++)
			utterances.push(
				{
					speaker: 'candidate',
					start_s: 20 * i + 2,
					end_s: 20 * i + 6,
					text: `what worries you about it number ${i + 1}`,
					confidence: i === 1 ? 0.2 : 0.9,
					understood: { outcome: i === 2 ? 'repair' : 'answer', intents: [] },
					revealed: i === 0 ? ['needles'] : []
				},
				{
					speaker: 'patient',
					start_s: 20 * i + 7,
					end_s: 20 * i + 12,
					text: 'It is the needles, to be honest. I have never liked them',
					cut: i === 3
				}
			);
		report.conversation = {
			utterances,
			recognisers: [{ from_s: 0, name: 'pocketsphinx' }],
			revealed: ['needles']
		};
		server.answers.set('GET /api/attempts/a1/report', { status: 200, body: report });
		await page.goto('/attempts/a1');
		const list = page.getByRole('list', { name: 'What was said' });
		await list.getByText('the patient told you something new').waitFor();
		await list.getByText('hard to hear').waitFor();
		await list.getByText('not understood').waitFor();
		await list.getByText('interrupted').waitFor();
		expect(await list.getByRole('listitem').count()).toBe(12);
		await inspect(page, 'report-transcript');
		await page.getByRole('button', { name: 'Show all 16' }).click();
		expect(await list.getByRole('listitem').count()).toBe(16);
		await page.waitForFunction(
			() => !document.querySelector('figure button')?.hasAttribute('disabled')
		);
		await list.getByRole('button', { name: 'Listen from 1:02' }).click();
		await page.getByRole('button', { name: 'Pause' }).waitFor();
	});

	it('says what interrupted a role play, for every cause', async () => {
		const report = fixtures.report('a1');
		const [candidate, patient] = report.speakers;
		if (!candidate || !patient) throw new Error('the report has no speakers');
		candidate.interruptions = [
			{ from_s: 21.4, to_s: 25.4, cause: 'connection_lost' },
			{ from_s: 63.2, to_s: 71.3, cause: 'server_restarted' },
			{ from_s: 118, to_s: 118.6, cause: 'storage' },
			{ from_s: 150.3, to_s: 191.8, cause: 'muted' },
			{ from_s: 240, to_s: 252.1, cause: 'page_hidden' }
		];
		patient.interruptions = [{ from_s: 63.2, to_s: 72, cause: 'clock_stopped' }];
		server.answers.set('GET /api/attempts/a1/report', { status: 200, body: report });
		await page.goto('/attempts/a1');
		const list = page.getByRole('list', { name: 'Interruptions' });
		await list.waitFor();
		await inspect(page, 'report-interrupted');
		expect((await list.innerText()).split('\n').slice(0, 6)).toEqual([
			'0:21.4',
			'You: connection lost',
			'4 s',
			'1:03.2',
			'You: server restarted',
			'8.1 s'
		]);
		await page.locator('figure').getByText('muted 42 s, not counted').last().waitFor();
	});

	it('being made', async () => {
		server.state = 'analysing';
		await page.goto('/attempts/a1');
		await page.getByText('Your report is being made').waitFor();
		await inspect(page, 'report-waiting');
	});

	it('that failed', async () => {
		server.state = 'failed';
		await page.goto('/attempts/a1');
		await page.getByText('No sound reached the server.').waitFor();
		await inspect(page, 'report-failed');
	});
});

describe('tutor', () => {
	it('rooms', async () => {
		server.user = fixtures.tutor;
		await page.goto('/tutor');
		await page.getByRole('link', { name: /Play the patient/ }).waitFor();
		await inspect(page, 'tutor');
	});

	it('no rooms', async () => {
		server.user = fixtures.tutor;
		server.answers.set('GET /api/rooms', { status: 200, body: { items: [] } });
		await page.goto('/tutor');
		await page.getByText('Nobody is waiting.').waitFor();
		await inspect(page, 'tutor-empty');
	});

	it('scenario, with both cards', async () => {
		server.user = fixtures.tutor;
		await page.goto('/scenarios/insulin');
		await page.getByText('Jens Bauer', { exact: true }).waitFor();
		await inspect(page, 'tutor-scenario');
	});
});

it('in the dark theme', async () => {
	await screens.restart({ colorScheme: 'dark' });
	({ page } = screens);
	for (const [name, path, text] of [
		['home', '/', 'Your next step'],
		['green-room', '/green-room?scenario=insulin', 'Record five seconds'],
		['report', '/attempts/a1', 'Listen back']
	] as const) {
		await page.goto(path);
		await page.getByText(text).first().waitFor();
		await inspect(page, `dark-${name}`);
	}
	server.state = 'preparing';
	await page.goto('/room/a1');
	await page.getByText('Waiting for the patient.').waitFor();
	await inspect(page, 'dark-room');
	await page.setViewportSize(NARROW);
});
