import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { choose, inspect, NARROW, picture } from './browser.ts';
import * as fixtures from './fixtures.ts';
import { roomServer } from './room-server.ts';
import { useMock } from './setup.ts';

const screens = useMock(
	'Good morning, Mr Bauer. My name is Dana. What worries you most about starting insulin?',
	{ lead: 0.5, tail: 20 },
	{ permissions: ['microphone'] },
	(context) => context.addInitScript(roomServer)
);
let page: Page;
let server: typeof screens.server;
beforeEach(() => void ({ page, server } = screens));

const room = <T>(
	fn: (room: {
		received: { type: string }[];
		say: (m: object) => void;
		phase: (p: object) => void;
		join: (p: object) => Promise<void>;
		drop: () => void;
	}) => T
) => page.evaluate(`(${fn.toString()})(window.room)`) as Promise<T>;

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
	it('home', async () => {
		await page.goto('/');
		await page
			.getByRole('link', { name: /Starting insulin/ })
			.first()
			.waitFor();
		await inspect(page, 'home');
		await page.getByRole('button', { name: 'Demanding' }).click();
		await page.getByRole('link', { name: /After the second fall/ }).waitFor();
		expect(await page.locator('.scenario').count()).toBe(1);
		await page.getByRole('button', { name: 'Gentle' }).click();
		expect(await page.locator('.scenario').count()).toBe(2);
	});

	it('home, loading and failing', async () => {
		server.answers.set('GET /api/scenarios', 'never');
		server.answers.set('GET /api/attempts', { status: 500, body: {} });
		await page.goto('/');
		await page.getByRole('button', { name: 'Try again' }).waitFor();
		await inspect(page, 'home-loading');
	});

	it('scenario', async () => {
		await page.goto('/scenarios/insulin');
		await page.getByRole('link', { name: 'Check your sound' }).waitFor();
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
		await page.getByRole('link', { name: 'Check your sound' }).waitFor();
	});
});

describe('a candidate', () => {
	it.each([
		['/tutor', 'This page is for tutors.', 'GET /api/rooms'],
		['/admin/users', 'This page is for administrators.', 'GET /api/users']
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

describe('sound check', () => {
	it('hears a voice and judges it', async () => {
		await page.goto('/green-room?scenario=insulin');
		await page.getByText('You come through clearly').waitFor();
		await inspect(page, 'green-room');
		await page.getByText('Sound clean-up').click();
		await page.getByRole('button', { name: 'Play two notes' }).click();
		await page.getByText('Did you hear them?').waitFor();
		await page.getByRole('button', { name: 'No', exact: true }).click();
		await page.getByText('Turn the volume up').waitFor();
		await inspect(page, 'green-room-open');
	});

	it('asks for what is missing before the room opens', async () => {
		await page.goto('/green-room?scenario=insulin');
		await page.getByRole('button', { name: 'Record five seconds' }).waitFor();
		await page.getByRole('button', { name: 'Enter the room' }).click();
		await page.getByText('Tick the box about recording first.').waitFor();
		expect(page.url()).toContain('/green-room');
	});

	it('plays a sample back', async () => {
		await page.goto('/green-room?scenario=insulin');
		await page.getByRole('button', { name: 'Record five seconds' }).click();
		await page.getByRole('button', { name: 'Recording, speak now' }).waitFor();
		await page.getByRole('button', { name: 'This is how you sound' }).waitFor();
		await page.getByRole('button', { name: 'Record five seconds' }).waitFor();
	});

	it.each([
		['NotAllowedError', 'denied', 'The microphone is blocked for this page'],
		['NotFoundError', 'missing', 'No microphone was found'],
		['NotReadableError', 'busy', 'Another program is using the microphone']
	])('%s', async (name, screen, title) => {
		await page.addInitScript((n) => {
			navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', n));
		}, name);
		await page.goto('/green-room?scenario=insulin');
		await page.getByRole('alert').getByText(title).waitFor();
		await inspect(page, `green-room-${screen}`);
	});

	it('on an insecure address', async () => {
		await page.addInitScript(() =>
			Object.defineProperty(window, 'isSecureContext', { value: false })
		);
		await page.goto('/green-room?scenario=insulin');
		await page.getByText('This address is not secure').waitFor();
		await inspect(page, 'green-room-insecure');
	});

	it('before the microphone was ever allowed', async () => {
		await screens.restart({ permissions: [] });
		({ page } = screens);
		await page.goto('/green-room?scenario=insulin');
		await page.getByRole('button', { name: 'Turn the microphone on' }).waitFor();
		await inspect(page, 'green-room-first');
	});
});

const tutorPeer = {
	participant_id: 'tutor',
	name: 'Tess Okafor',
	role: 'patient',
	muted: false,
	connected: true
};

describe('room', () => {
	async function enter(as = 'candidate') {
		server.state = 'preparing';
		await page.goto(`/room/a1?as=${as}`);
		await page
			.getByText('Connected', { exact: true })
			.or(page.getByText('Good connection'))
			.first()
			.waitFor();
	}

	it('goes from the preparation to the report', async () => {
		await enter();
		await page.getByText('Waiting for the patient.').waitFor();
		await inspect(page, 'room-preparing');

		await page.evaluate(
			(peer) =>
				(window as unknown as { room: { join: (p: object) => Promise<void> } }).room.join(
					peer
				),
			tutorPeer
		);
		await page.getByText('Tess Okafor').waitFor();
		await page.waitForFunction(() =>
			[...document.querySelectorAll('audio')].some((a) => !a.paused && a.currentTime > 0)
		);
		await page.getByRole('button', { name: 'Begin now' }).click();
		await page
			.getByText('The role play has begun. You speak first.')
			.waitFor({ state: 'attached' });
		await room((r) =>
			r.say({ type: 'speaking', speakers: [{ participant_id: 'tutor', level: 0.6 }] })
		);
		await page.getByText('speaking', { exact: true }).waitFor();
		await page
			.getByRole('textbox', { name: 'Notes' })
			.fill('Needles: how small are they?\nHypo: juice, then food.');
		await inspect(page, 'room-playing');

		await page.getByRole('button', { name: 'Finish' }).click();
		await page.getByRole('alertdialog').waitFor();
		await inspect(page, 'room-finish');
		await page.getByRole('alertdialog').getByRole('button', { name: 'Finish' }).click();
		await page.getByRole('heading', { name: 'The role play is over' }).waitFor();
		await inspect(page, 'room-over');
		server.state = 'reported';
		await room((r) => r.say({ type: 'report', attempt_id: 'a1', status: 'ready' }));
		await page.waitForURL('**/attempts/a1');
	});

	it('mutes with Alt+M and says so to the others', async () => {
		await enter();
		await page.keyboard.press('Alt+m');
		await page.getByRole('button', { name: 'Muted' }).waitFor();
		expect(await room((r) => r.received.filter((m) => m.type === 'mute'))).toEqual([
			{ type: 'mute', muted: true }
		]);
		await page.getByText('You are muted, but you are talking.').waitFor();
		await inspect(page, 'room-muted');
	});

	it('stops the clock and says so while the connection is lost', async () => {
		await enter();
		await room((r) => r.phase({ name: 'playing', remaining_ms: 200_000, running: true }));
		await page.evaluate(() => {
			// The fake server stops answering.
			const room = (window as unknown as { room: { drop: () => void } }).room;
			room.drop();
		});
		await page.getByText('The clock is stopped, so you lose no time.').waitFor();
		await inspect(page, 'room-reconnecting');
	});

	it('waits for a server that takes the role play, and says so', async () => {
		server.state = 'preparing';
		const detail = 'No media server can take this role play now. Try again in a moment.';
		const ticket = 'POST /api/attempts/a1/ticket';
		const type = 'urn:bedside:problem:no-media-server';
		server.answers.set(ticket, { status: 503, body: { status: 503, type, detail } });
		await page.goto('/room/a1?as=candidate');
		const notice = page.getByText('No server can take this role play yet. Trying again…');
		await notice.waitFor();
		await inspect(page, 'room-unplaced');
		server.answers.delete(ticket);
		await notice.waitFor({ state: 'detached' });
		await page.getByText('Waiting for the patient.').waitFor();
	});

	it('for the tutor who plays the patient', async () => {
		server.user = fixtures.tutor;
		await enter('patient');
		await page.getByText('You are Jens Bauer').waitFor();
		await inspect(page, 'room-patient');
	});

	it('for an observer', async () => {
		server.user = fixtures.tutor;
		await enter('observer');
		expect(await page.getByRole('button', { name: 'Mute' }).count()).toBe(0);
		await inspect(page, 'room-observer');
	});

	it('that has been closed', async () => {
		await enter();
		await room((r) =>
			r.say({
				type: 'error',
				code: 'replaced',
				message: 'You opened this room in another window.',
				fatal: true
			})
		);
		await page.getByText('You opened this room in another window.').waitFor();
		await inspect(page, 'room-closed');
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
		['home', '/', 'Your practice'],
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
