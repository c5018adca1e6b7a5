import type { Locator, Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { accessible, inspect, NARROW, picture, WIDE } from './browser.ts';
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

const IPHONE =
	'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
const ANDROID =
	'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36';

/** Runs in the page: a microphone that hears nothing until window.speakUp is called. */
function quietMicrophone(): void {
	const context = new AudioContext();
	const voice = context.createGain();
	const out = context.createMediaStreamDestination();
	const tone = context.createOscillator();
	voice.gain.value = 0;
	tone.connect(voice).connect(out);
	tone.start();
	const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
	navigator.mediaDevices.getUserMedia = async (wanted) => {
		await open(wanted); // the browser lets a page that listens play sound too
		await context.resume();
		return out.stream.clone();
	};
	Object.assign(window, { speakUp: () => (voice.gain.value = 0.3) });
}

/** Reports whether an element is in the window, and nothing covers its middle. */
const inView = (it: Locator) =>
	it.evaluate((element) => {
		const { left, top, width, height } = element.getBoundingClientRect();
		const hit = document.elementFromPoint(left + width / 2, top + height / 2);
		return hit !== null && element.contains(hit);
	});

const speakUp = () =>
	page.evaluate(() => (window as unknown as { speakUp: () => void }).speakUp());

const room = <T>(
	fn: (room: {
		received: { type: string }[];
		say: (m: object) => void;
		phase: (p: object) => void;
		join: (p: object) => Promise<void>;
		drop: () => void;
	}) => T
) => page.evaluate(`(${fn.toString()})(window.room)`) as Promise<T>;

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
		await page.getByText('You come through clearly').waitFor();
		await page.getByRole('button', { name: 'Enter the room' }).click();
		await page.getByText('Tick the box about recording first.').waitFor();
		expect(page.url()).toContain('/green-room');
	});

	it('does not let a silent microphone pass without a word', async () => {
		await page.addInitScript(quietMicrophone);
		await page.goto('/green-room?scenario=insulin');
		await page.getByRole('button', { name: 'Record five seconds' }).waitFor();
		await page.getByRole('checkbox').check();
		await page.getByRole('button', { name: 'Enter the room' }).click();
		await page.getByRole('alert').getByText('We cannot hear you yet.').waitFor();
		expect(page.url()).toContain('/green-room');
		await inspect(page, 'green-room-silent');
		await speakUp();
		await page.getByRole('alert').waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Enter the room' }).click();
		await page.waitForURL('**/room/*');
	});

	it('lets a silent microphone pass knowingly, and remembers no check of it', async () => {
		await page.addInitScript(quietMicrophone);
		await page.goto('/green-room?scenario=insulin');
		await page.getByRole('button', { name: 'Record five seconds' }).waitFor();
		await page.getByRole('checkbox').check();
		await page.getByRole('button', { name: 'Enter the room' }).click();
		await page.getByRole('button', { name: 'Go on without being heard' }).click();
		await page.waitForURL('**/room/*');
		expect(await page.evaluate(() => sessionStorage.getItem('bedside.check'))).toBeNull();
	});

	it('is not repeated to play again, unless a microphone has changed', async () => {
		await page.goto('/green-room?scenario=insulin');
		await page.getByText('You come through clearly').waitFor();
		await page.getByRole('checkbox').check();
		await page.getByRole('button', { name: 'Enter the room' }).click();
		await page.waitForURL('**/room/*');
		await page.goto('/attempts/a1');
		server.sent.clear();
		await page.getByRole('link', { name: 'Play it again' }).click();
		await page.waitForURL('**/room/*');
		expect(server.sent.get('POST /api/attempts')).toMatchObject({
			scenario: 'insulin',
			consent: true
		});

		await page.goto('/attempts/a1');
		await page.evaluate(() => {
			const list = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
			navigator.mediaDevices.enumerateDevices = async () => (await list()).slice(1);
		});
		server.sent.clear();
		await page.getByRole('link', { name: 'Play it again' }).click();
		await page.getByText('Please check your sound once more.').waitFor();
		await inspect(page, 'green-room-again');
		expect(server.sent.has('POST /api/attempts')).toBe(false);
	});

	it.each([
		['an iPhone', IPHONE, 5, 'Website Settings'],
		['an Android phone', ANDROID, 5, 'Permissions, and allow Microphone'],
		['an app', `${IPHONE.replace(/Version.*/, '')}Instagram 380.0`, 5, 'Open in Safari']
	])('says what to do on %s', async (_, userAgent, touchPoints, words) => {
		await screens.restart({ userAgent, viewport: NARROW });
		({ page } = screens);
		await page.addInitScript((points) => {
			Object.defineProperty(navigator, 'maxTouchPoints', { value: points });
			navigator.mediaDevices.getUserMedia = () =>
				Promise.reject(new DOMException('no', 'NotAllowedError'));
		}, touchPoints);
		await page.goto('/green-room?scenario=insulin');
		await page.getByRole('alert').getByText(words).waitFor();
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
		const connected = page.locator('.network', { hasText: /^\s*(Connected|Good connection)/ });
		await connected.waitFor({ state: 'attached' }); // on a phone on a sheet of its own
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

	it('shows the portraits of people who have one, or else a letter', async () => {
		await enter();
		await page.evaluate(() => {
			const { room: r } = window as unknown as { room: { say: (m: object) => void } };
			const peer = { role: 'patient', muted: false, connected: true };
			const people = {
				patient: '/favicon.svg?signature=x',
				observer: '/gone.png' // the address has expired
			};
			for (const [id, url] of Object.entries(people))
				r.say({
					type: 'peer_joined',
					peer: { ...peer, participant_id: id, name: `Tess ${id}`, avatar_url: url }
				});
		});
		const face = (name: string) => page.locator('.person', { hasText: name }).locator('.face');
		await face('Tess patient').locator('img').waitFor();
		await face('Tess observer').getByText('T', { exact: true }).waitFor();
		expect(await face('Tess patient').locator('img').getAttribute('src')).toBe(
			'/favicon.svg?signature=x&size=small'
		);
	});

	it('on a phone shows card, notes and people as sheets', async () => {
		await page.setViewportSize(NARROW);
		await enter();
		await page.getByText('Waiting for the patient.').waitFor();
		const tab = (name: string) => page.getByRole('tab', { name });
		const panel = (name: string) => page.getByRole('tabpanel', { name });
		await panel('Card').waitFor();
		expect(await page.getByRole('textbox', { name: 'Notes' }).count()).toBe(0);
		await tab('Notes').click();
		await page.getByRole('textbox', { name: 'Notes' }).fill('Needles: how small?');
		await accessible(page, 'the notes on a phone');
		await picture(page, 'room-phone-notes', false);
		expect(await panel('Card').count()).toBe(0);

		// By keyboard: arrows move between the tabs, which show their sheets.
		await tab('Notes').focus();
		await page.keyboard.press('ArrowRight');
		await panel('People').getByText('Dana Kovač (you)').waitFor();
		expect(await tab('People').evaluate((t) => t === document.activeElement)).toBe(true);
		await picture(page, 'room-phone-people', false);
		await page.keyboard.press('ArrowRight');
		await panel('Card').waitFor();
		await page.keyboard.press('End');
		await page.keyboard.press('ArrowLeft');
		await page.getByRole('textbox', { name: 'Notes' }).waitFor();

		// Clock, mute and the tabs stay in reach however far the card is scrolled.
		await tab('Card').click();
		await page.mouse.wheel(0, 2_000);
		for (const it of [
			page.getByRole('timer'),
			page.getByRole('button', { name: 'Mute' }),
			tab('Notes'),
			page.getByRole('button', { name: 'Begin now' })
		])
			expect(await inView(it)).toBe(true);
		await page.getByRole('button', { name: 'Mute' }).click();
		expect(await room((r) => r.received.filter((m) => m.type === 'mute'))).toHaveLength(1);
		await page.getByRole('button', { name: 'Mute' }).click();

		// The play begins with the card, whichever sheet was shown.
		await tab('Notes').click();
		await page.getByRole('button', { name: 'Begin now' }).click();
		await panel('Card').waitFor();
		await page.waitForFunction(() => document.activeElement?.tagName === 'H2');
		await page.evaluate(() => scrollTo(0, 0));
		await picture(page, 'room-phone-playing', false);
		await tab('Notes').click();
		expect(await page.getByRole('textbox', { name: 'Notes' }).inputValue()).toBe(
			'Needles: how small?'
		);

		// On a wide screen card and notes are side by side, and nothing is a tab.
		await page.setViewportSize(WIDE);
		await page.getByText('Your tasks').or(page.getByText(/insulin clinic/)).first().waitFor();
		await page.getByRole('textbox', { name: 'Notes' }).waitFor();
		expect(await page.getByRole('tab').count()).toBe(0);
	});

	it('puts the focus on the card when the play begins, but not after a reload', async () => {
		await enter();
		await page.getByRole('textbox', { name: 'Notes' }).focus();
		await room((r) => r.phase({ name: 'playing', remaining_ms: 300_000, running: true }));
		await page.waitForFunction(() => document.activeElement?.tagName === 'H2');
		expect(await page.evaluate(() => document.activeElement?.textContent)).toMatch(/card/i);
		await page.getByRole('textbox', { name: 'Notes' }).focus();
		await room((r) => r.phase({ name: 'playing', remaining_ms: 290_000, running: false }));
		await room((r) => r.phase({ name: 'playing', remaining_ms: 290_000, running: true }));
		expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('TEXTAREA');
	});

	it('says softly that one minute is left', async () => {
		await page.addInitScript(() => {
			const played: object[] = [];
			const play = HTMLMediaElement.prototype.play;
			HTMLMediaElement.prototype.play = function () {
				if (this.src.startsWith('blob:')) played.push({ volume: this.volume });
				return play.call(this);
			};
			Object.assign(window, { played });
		});
		const played = () =>
			page.evaluate(() => (window as unknown as { played: { volume: number }[] }).played);
		await enter();
		const minute = async () => {
			await room((r) =>
				r.phase({ name: 'playing', remaining_ms: 61_000, running: true })
			);
			await page.getByText('Last minute').waitFor();
			await page.getByText('One minute left.').waitFor({ state: 'attached' });
		};
		await minute();
		await expect.poll(played).toHaveLength(1);
		expect((await played())[0]?.volume).toBeLessThan(0.2);
		await inspect(page, 'room-last-minute');

		// It can be turned off, which is remembered.
		await page.getByRole('checkbox', { name: 'A soft sound' }).uncheck();
		await page.reload();
		await page.getByRole('checkbox', { name: 'A soft sound' }).waitFor();
		expect(await page.getByRole('checkbox', { name: 'A soft sound' }).isChecked()).toBe(false);
		await minute();
		expect(await played()).toHaveLength(0);
	});

	it('tells a silent candidate what to do, until the first sound', async () => {
		await page.addInitScript(quietMicrophone);
		await enter();
		await page.getByRole('button', { name: 'Mute' }).click();
		await page.getByRole('button', { name: 'Begin now' }).click();
		const notice = page.getByRole('alert').getByText('We cannot hear you.');
		await page.waitForTimeout(500); // muted time does not count
		await page.getByRole('button', { name: 'Muted' }).click();
		await notice.waitFor();
		await inspect(page, 'room-silent');
		await page.getByRole('button', { name: 'Mute' }).click();
		await notice.waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Muted' }).click();
		await notice.waitFor();
		await speakUp();
		await notice.waitFor({ state: 'detached' });
	});

	const away = (left: boolean) =>
		page.evaluate((gone) => {
			interface Said {
				say: (m: object) => void;
				phase: (p: object) => void;
			}
			const { room: r } = window as unknown as { room: Said };
			const peer = {
				participant_id: 'tutor',
				name: 'Tess Okafor',
				role: 'patient',
				muted: false,
				connected: false
			};
			if (gone) r.say({ type: 'peer_left', participant_id: 'tutor', reason: 'left' });
			else r.say({ type: 'peer_updated', peer });
			r.phase({
				name: 'playing',
				remaining_ms: 200_000,
				running: false,
				reason: 'patient_away',
				ends_in_ms: 290_000
			});
		}, left);

	it('lets the candidate wait or finish when the patient is away', async () => {
		await enter();
		await page.evaluate(
			(peer) =>
				(window as unknown as { room: { join: (p: object) => Promise<void> } }).room.join(
					peer
				),
			tutorPeer
		);
		await room((r) => r.phase({ name: 'playing', remaining_ms: 200_000, running: true }));
		await away(false);
		await page.getByText('Tess Okafor has lost the connection.').waitFor();
		await inspect(page, 'room-patient-lost');
		await away(true);
		await page.getByText('Your partner has left the room.').waitFor();
		await page.getByText('Stopped', { exact: true }).waitFor();
		await inspect(page, 'room-patient-left');
		await page.getByRole('button', { name: 'Wait for them' }).click();
		await page.getByText(/We wait for 4:\d\d at most/).waitFor();
		await inspect(page, 'room-patient-awaited');

		await room((r) => r.phase({ name: 'playing', remaining_ms: 200_000, running: true }));
		await page.getByText('Your partner has left the room.').waitFor({ state: 'detached' });
		await away(true);
		await page.getByRole('button', { name: 'Finish now' }).click();
		await page.getByRole('alertdialog').getByRole('button', { name: 'Finish' }).click();
		await page.getByRole('heading', { name: 'The role play is over' }).waitFor();
	});

	it('tells an observer that the patient is away', async () => {
		server.user = fixtures.tutor;
		await enter('observer');
		await away(true);
		await page.getByText('The patient has left.').waitFor();
		expect(await page.getByRole('button', { name: 'Finish now' }).count()).toBe(0);
	});

	it('asks once before it is left, also by the browser’s back button', async () => {
		server.state = 'preparing';
		await page.goto('/scenarios/insulin');
		await page.getByRole('link', { name: 'With a tutor' }).waitFor();
		await page.evaluate(() => {
			const link = Object.assign(document.createElement('a'), {
				href: '/room/a1?as=candidate',
				textContent: 'into the room'
			});
			document.body.append(link);
			link.click();
		});
		await page.getByText('Waiting for the patient.').waitFor();
		await page.goBack();
		const dialog = page.getByRole('alertdialog');
		await dialog.getByText('Leave the room?').waitFor();
		expect(page.url()).toContain('/room/a1');
		await page.keyboard.press('Escape');
		await dialog.waitFor({ state: 'detached' });
		expect(await room((r) => r.received.some((m) => m.type === 'leave'))).toBe(false);
		await page.goBack();
		await dialog.getByRole('button', { name: 'Leave' }).click();
		await page.waitForURL('**/scenarios/insulin');
		await page.getByRole('link', { name: 'With a tutor' }).waitFor();
		expect(await room((r) => r.received.some((m) => m.type === 'leave'))).toBe(true);
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

