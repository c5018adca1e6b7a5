import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { inspect } from './browser.ts';
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

interface Control {
	received: { type: string; [key: string]: unknown }[];
	say: (m: object) => void;
	phase: (p: object) => void;
	join: (p: object) => Promise<void>;
}

/** Runs a function in the page, with the room's fake server. */
const room = <T>(fn: (room: Control) => T) =>
	page.evaluate(`(${fn.toString()})(window.room)`) as Promise<T>;
const say = (message: object) =>
	page.evaluate((m) => (window as unknown as { room: Control }).room.say(m), message);
/** Returns what the page has sent of some types. */
const sent = async (...types: string[]) =>
	(await room((r) => r.received)).filter(({ type }) => types.includes(type));

const peer = {
	participant_id: 'patient',
	name: 'Jens Bauer',
	role: 'patient',
	muted: false,
	connected: true
};
const caption = (participant_id: string, text: string, final = true) => ({
	type: 'caption',
	participant_id,
	text,
	final
});

/** Makes every attempt one with the automatic patient. */
function automatic(mode: 'practice' | 'exam' = 'practice', patient = 'automatic') {
	server.answers.set('GET /api/attempts/a1', {
		status: 200,
		body: {
			...fixtures.attempt('a1', 'preparing', { partner: undefined, mode }),
			patient,
			scenario: fixtures.scenario('insulin', false)
		}
	});
}

async function enter() {
	await page.goto('/room/a1?as=candidate');
	const connected = page.locator('.network', { hasText: /^\s*(Connected|Good connection)/ });
	await connected.waitFor({ state: 'attached' });
}

async function play() {
	await enter();
	await page.evaluate((p) => (window as unknown as { room: Control }).room.join(p), peer);
	await say({ type: 'patient', state: 'listening', mood: 'anxious' });
	await page.getByRole('button', { name: 'Begin now' }).click();
	await page.getByRole('button', { name: 'Hold to talk' }).waitFor();
}

describe('starting a role play', () => {
	it('with the automatic patient takes one click once the sound was checked', async () => {
		await page.goto('/');
		await page.getByRole('link', { name: 'Play it now' }).click();
		await page.getByText('You come through clearly').waitFor();
		await page.getByText('Speech recognition on this server hears').waitFor();
		await inspect(page, 'patient-green-room');
		await page.getByRole('checkbox', { name: /recorded and analysed/ }).check();
		await page.getByRole('button', { name: 'Enter the room' }).click();
		await page.waitForURL('**/room/*');
		expect(server.sent.get('POST /api/attempts')).toMatchObject({
			scenario: 'insulin',
			patient: 'automatic',
			mode: 'practice'
		});

		await page.goto('/');
		server.sent.clear();
		await page.getByRole('link', { name: 'Play it now' }).click();
		await page.waitForURL('**/room/*');
		expect(server.sent.get('POST /api/attempts')).toMatchObject({ patient: 'automatic' });
	});

	it('offers a tutor and a friend beside it', async () => {
		await page.goto('/');
		const links = page.getByRole('main');
		await links.getByRole('link', { name: 'With a tutor' }).waitFor();
		await inspect(page, 'patient-home');
		await links.getByRole('link', { name: 'With a friend, by link' }).click();
		await page.waitForURL('**/green-room?scenario=insulin&patient=friend*');
		expect(await page.getByText('Who hears you').count()).toBe(0);
	});

	it('says why the automatic patient cannot play a scenario', async () => {
		server.answers.set('GET /api/scenarios/insulin', {
			status: 200,
			body: { ...fixtures.scenario('insulin', false), has_dialogue: false }
		});
		await page.goto('/scenarios/insulin');
		const button = page.getByRole('button', { name: 'Play it now' });
		await page.getByText('The automatic patient cannot play this one yet.').waitFor();
		expect(await button.isDisabled()).toBe(true);
		await inspect(page, 'patient-scenario-mute');
		await page.goto('/green-room?scenario=insulin&patient=automatic');
		await page.getByText('The automatic patient cannot play this one yet.').waitFor();
	});

	it('says that no automatic patient is there', async () => {
		server.answers.set('GET /api/patient', {
			status: 200,
			body: { available: false, free: 0, waiting: 0, recogniser: '', why: 'no worker' }
		});
		await page.goto('/scenarios/insulin');
		await page.getByText('No automatic patient is there at the moment.').waitFor();
		expect(await page.getByRole('button', { name: 'Play it now' }).isDisabled()).toBe(true);
		await page.getByRole('link', { name: 'With a tutor' }).waitFor();
	});
});

describe('the automatic patient', () => {
	it('waits in the queue and gets ready before the play', async () => {
		automatic();
		await enter();
		await say({ type: 'patient', state: 'queued', place: 2 });
		await page.getByText('You are number 2 in the queue.').waitFor();
		await inspect(page, 'patient-queued');
		const begin = page.getByRole('button', { name: 'Begin now' });
		expect(await begin.getAttribute('aria-disabled')).toBe('true');
		await say({ type: 'patient', state: 'joining' });
		await page.getByText('Getting ready').waitFor();
		await say({ type: 'patient', state: 'listening', mood: 'neutral' });
		await page.getByText('Ready when you are').waitFor();
		expect(await begin.getAttribute('aria-disabled')).toBeNull();
		expect(await page.getByText('Waiting for the patient.').count()).toBe(0);
	});

	it('shows its state, its mood and what is said', async () => {
		automatic();
		await play();
		await say(caption('me', 'what worries', false));
		await say(caption('me', 'what worries you most'));
		await say({ type: 'patient', state: 'speaking', mood: 'sad' });
		await say(caption('patient', 'That I go blind like her.', false));
		await page.getByRole('img', { name: 'The patient looks sad' }).waitFor();
		await page.getByText('Speaking', { exact: true }).waitFor();
		const log = page.getByRole('log', { name: 'Captions' });
		await log.getByText('what worries you most').waitFor();
		await log.getByText('That I go blind like her.').waitFor();
		await inspect(page, 'patient-playing');
		for (const mood of ['anxious', 'annoyed', 'ashamed', 'warm', 'neutral']) {
			await say({ type: 'patient', state: 'listening', mood });
			await page.screenshot({
				path: `${new URL('./out/', import.meta.url).pathname}patient-mood-${mood}.png`,
				clip: { x: 0, y: 60, width: 1280, height: 260 }
			});
		}
		await screens.restart({ viewport: { width: 320, height: 640 } });
		({ page } = screens);
		automatic();
		await play();
		await say(caption('patient', 'My mother was on insulin, you know. She did it all right.'));
		const over = await page.evaluate(
			() => document.documentElement.scrollWidth - document.documentElement.clientWidth
		);
		expect(over).toBeLessThanOrEqual(0);
	});

	it('is paused, asked again, asked for a hint and started over', async () => {
		automatic();
		await play();
		await page.getByRole('button', { name: 'Say that again' }).click();
		await page.getByRole('button', { name: 'Hint' }).click();
		await say({ type: 'hint', text: 'Ask what he has heard about insulin.' });
		await page.getByText('Ask what he has heard about insulin.').waitFor();
		await inspect(page, 'patient-hint');
		await page.getByRole('button', { name: 'Close the hint' }).click();
		await page.getByRole('button', { name: 'Pause' }).click();
		await say({ type: 'patient', state: 'paused' });
		await page.getByText('Paused. The clock is stopped.').waitFor();
		await page.getByRole('button', { name: 'Go on' }).click();
		await say({ type: 'patient', state: 'listening' });
		await page.getByRole('button', { name: 'Start over' }).click();
		const dialog = page.getByRole('alertdialog');
		await dialog.getByRole('button', { name: 'Start over' }).click();
		await expect
			.poll(async () => (await sent('control')).map((m) => m.action))
			.toEqual(['again', 'hint', 'pause', 'resume', 'restart']);
	});

	it('is spoken to with the button, also muted, with mouse and keyboard', async () => {
		automatic();
		await play();
		await page.keyboard.press('Alt+m');
		const button = page.getByRole('button', { name: /Hold to talk|waits for you/ });
		await button.click({ delay: 400 }); // longer than a short press
		await page.getByText('Hold to talk').waitFor();
		await button.focus();
		await page.keyboard.press(' '); // shortly: it stays down
		await page.getByText('The patient waits for you').waitFor();
		await page.keyboard.press('Enter');
		await page.getByText('Hold to talk').waitFor();
		await expect
			.poll(async () => (await sent('talk', 'mute')).map((m) => m.on ?? m.muted))
			.toEqual([true, false, true, true, false, false, true, true, false]);
	});

	it('offers typing when it does not understand', async () => {
		automatic();
		await play();
		expect(await page.getByLabel('Say it by typing').count()).toBe(0);
		await say({ type: 'patient', state: 'listening', offer_typing: true });
		await page.getByText('The patient does not catch what you say.').waitFor();
		await page.getByLabel('Say it by typing').fill('  What worries you most? ');
		await inspect(page, 'patient-typing');
		await page.keyboard.press('Enter');
		await expect
			.poll(() => sent('typed'))
			.toEqual([{ type: 'typed', text: 'What worries you most?' }]);
		expect(await page.getByLabel('Say it by typing').inputValue()).toBe('');
	});

	it('is strict in exam mode', async () => {
		automatic('exam');
		await play();
		for (const name of ['Pause', 'Say that again', 'Hint', 'Type', 'Start over'])
			expect(await page.getByRole('button', { name, exact: true }).count()).toBe(0);
		expect(await page.getByRole('log').count()).toBe(0);
		await inspect(page, 'patient-exam');
		await say(caption('patient', 'My mother was on insulin.')); // as an accommodation
		await page.getByRole('log').getByText('My mother was on insulin.').waitFor();
	});

	it('goes on when the person who played the patient has left', async () => {
		automatic('practice', 'friend');
		await enter();
		await room((r) =>
			r.phase({
				name: 'playing',
				remaining_ms: 200_000,
				running: false,
				reason: 'patient_away',
				ends_in_ms: 200_000
			})
		);
		await page.getByRole('button', { name: 'Go on with the automatic patient' }).click();
		await expect.poll(() => sent('call_patient')).toHaveLength(1);
		await say({ type: 'patient', state: 'joining' });
		await page.getByText('The automatic patient comes back in a moment.').waitFor();
		await inspect(page, 'patient-back');
	});

	it('is helped by the browser only with consent', async () => {
		await page.addInitScript(() => {
			const made: object[] = [];
			class Fake {
				onresult: ((e: object) => void) | null = null;
				started = false;
				constructor() {
					made.push(this);
				}
				start() {
					this.started = true;
				}
				abort() {
					this.started = false;
				}
			}
			const all = { webkitSpeechRecognition: Fake, SpeechRecognition: Fake, made };
			Object.assign(window, all);
		});
		const started = () =>
			page.evaluate(
				() =>
					(window as unknown as { made: { started: boolean }[] }).made.filter(
						(m) => m.started
					).length
			);
		automatic();
		await play();
		expect(await started()).toBe(0);
		await page.goto('/green-room?scenario=insulin&patient=automatic');
		const box = page.getByRole('checkbox', { name: /browser’s maker hears/ });
		expect(await box.getAttribute('aria-checked')).toBe('false');
		await box.check();
		await play();
		expect(await started()).toBe(1);
		await page.evaluate(() =>
			(
				window as unknown as { made: { onresult: (e: object) => void }[] }
			).made[0]?.onresult({
				resultIndex: 0,
				results: [
					Object.assign([{ transcript: 'what worries you', confidence: 0.9 }], {
						isFinal: true
					})
				]
			})
		);
		await expect.poll(() => sent('heard')).toHaveLength(1);
		expect((await sent('heard'))[0]).toMatchObject({ final: true });
		await page.keyboard.press('Alt+m');
		await expect.poll(started).toBe(0);
	});
});

describe('a friend by link', () => {
	const view = {
		scenario_title: 'Starting insulin at home',
		profession: 'nursing',
		candidate: 'Dana Kovač',
		own: false,
		accepted: false,
		expires_at: '2026-05-02T13:00:00Z'
	};

	it('is invited from the room', async () => {
		automatic('practice', 'friend');
		server.answers.set('POST /api/attempts/a1/invitation', {
			status: 201,
			body: { url: '/join/abc', expires_at: '2026-05-02T13:00:00Z' }
		});
		server.answers.set('DELETE /api/attempts/a1/invitation', { status: 204 });
		await enter();
		await page.getByRole('button', { name: 'Get a link for a friend' }).click();
		const link = page.getByLabel('Link for your friend');
		expect(await link.inputValue()).toBe(`${server.url}/join/abc`);
		await inspect(page, 'friend-invite');
		await page.getByRole('button', { name: 'Withdraw it' }).click();
		await page.getByText('The link does not work any more.').waitFor();
	});

	it('sees what the link is for, and joins as the patient', async () => {
		server.answers.set('GET /api/invitations/abc', { status: 200, body: view });
		server.answers.set('POST /api/invitations/abc', {
			status: 200,
			body: fixtures.attempt('a1', 'preparing', { part: 'patient' })
		});
		await page.goto('/join/abc');
		await page.getByRole('heading', { name: 'Play the patient for Dana Kovač' }).waitFor();
		await page.getByRole('button', { name: 'Play the patient' }).click();
		await page.getByText('Tick the box about recording first.').waitFor();
		await inspect(page, 'friend-join');
		await page.getByRole('checkbox').check();
		await page.getByRole('button', { name: 'Play the patient' }).click();
		await page.waitForURL('**/green-room?room=a1&as=patient');
		expect(server.sent.has('POST /api/invitations/abc')).toBe(true);
	});

	it('hears that a link does not work any more', async () => {
		server.answers.set('GET /api/invitations/old', {
			status: 404,
			body: { status: 404, detail: 'This link does not work any more.' }
		});
		await page.goto('/join/old');
		await page.getByText('This link does not work any more.').waitFor();
	});
});
