import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { inspect } from './browser.ts';
import * as fixtures from './fixtures.ts';
import { exam } from './mock-exams.ts';
import { roomServer } from './room-server.ts';
import { useMock } from './setup.ts';

const screens = useMock(
	'I work on a medical ward, and I like talking to patients best.',
	{ lead: 0.5, tail: 20 },
	{ permissions: ['microphone'] },
	(context) => context.addInitScript(roomServer)
);
let page: Page;
let server: typeof screens.server;
beforeEach(() => void ({ page, server } = screens));

const show = (body: object, status = 200) =>
	void server.answers.set('GET /api/exams/e1', { status, body });
const list = (...items: object[]) =>
	void server.answers.set('GET /api/exams', { status: 200, body: { items } });
const button = (name: string | RegExp) => page.getByRole('button', { name });
const room = <T>(
	fn: (room: {
		phase: (p: object) => void;
	}) => T
) => page.evaluate(`(${fn.toString()})(window.room)`) as Promise<T>;

describe('starting a mock exam', () => {
	it('says what it is, and starts it once everything is there', async () => {
		list(exam('reported', ['reported', 'reported'], { id: 'e0' }));
		server.answers.set('POST /api/exams', { status: 201, body: exam('warm_up') });
		show(exam('warm_up', [], { next: { position: 1, replaces: false } }));
		await page.goto('/exam');
		await page.getByText('You come through clearly').waitFor();
		await inspect(page, 'exam');
		await button('Start the mock exam').click();
		await page.getByText('Tick the box about recording first.').waitFor();
		await page.getByRole('checkbox', { name: /I agree that my voice/ }).check();
		await button('Start the mock exam').click();
		await page.waitForURL('**/exams/e1');
		expect(server.sent.get('POST /api/exams')).toEqual({
			profession: 'nursing',
			consent: true
		});
		await page.goto('/exam'); // the sound check is remembered
		await page.getByText('Your sound check of before still holds.').waitFor();
	});

	it('offers the one that is under way', async () => {
		list(exam('second', ['analysing', 'preparing']));
		show(exam('second', ['analysing', 'preparing']));
		await page.goto('/exam');
		await page.getByText('Your mock exam is at the second role play.').waitFor();
		await inspect(page, 'exam-under-way');
		expect(await button('Start the mock exam').count()).toBe(0);
		await page.getByRole('link', { name: 'Go on with it' }).click();
		const link = page.getByRole('link', { name: 'Go to the room' });
		await link.waitFor();
		expect(await link.getAttribute('href')).toBe('/room/a2?as=candidate');
	});

	it('says why it cannot start, and while it loads', async () => {
		server.answers.set('GET /api/exams', 'never');
		await page.goto('/exam');
		await page.getByText('Loading your mock exams').waitFor({ state: 'attached' });
		await inspect(page, 'exam-loading');
		list();
		server.answers.set('POST /api/exams', {
			status: 409,
			body: {
				status: 409,
				detail: 'This profession has too few role plays for a mock exam yet.'
			}
		});
		await page.goto('/exam');
		await page.getByText('You come through clearly').waitFor();
		await page.getByRole('checkbox', { name: /I agree that my voice/ }).check();
		await button('Start the mock exam').click();
		await page
			.getByRole('alert')
			.getByText(/too few role plays/)
			.waitFor();
	});
});

describe('a mock exam', () => {
	it('warms up with questions about the work', async () => {
		show(exam('warm_up', [], { next: { position: 1, replaces: false } }));
		server.answers.set('POST /api/exams/e1/attempts', {
			status: 201,
			body: { id: 'a1', state: 'created', position: 1 }
		});
		await page.goto('/exams/e1');
		await page.getByRole('heading', { name: /where you work/ }).waitFor();
		await inspect(page, 'exam-warm-up');
		for (let i = 0; i < 5; i++) await button('Next question').click();
		await page.getByText('Question 6 of 6').waitFor();
		expect(await button('Next question').count()).toBe(0);
		await button('Begin the first role play').click();
		await page.waitForURL('**/room/a1?as=candidate');
	});

	it('shows the card when the preparation begins, and warns before leaving', async () => {
		const detail = {
			...fixtures.attempt('a1', 'created', {
				exam_id: 'e1',
				exam_position: 1,
				sealed: true,
				scenario_slug: '',
				scenario_title: 'Role play 1 of your mock exam'
			}),
			scenario: {
				...fixtures.scenario('insulin', false),
				candidate_card: { setting: '', role: '', background: '', tasks: [] }
			}
		};
		server.answers.set('GET /api/attempts/a1', { status: 200, body: detail });
		show(exam('first', ['playing']));
		await page.goto('/room/a1?as=candidate');
		await page.getByText('It appears when the preparation begins.').waitFor();
		await page.locator('.network', { hasText: /Connected|connection/ }).waitFor();
		server.answers.set('GET /api/attempts/a1', {
			status: 200,
			body: {
				...detail,
				state: 'preparing',
				sealed: false,
				scenario_title: 'Starting insulin at home',
				scenario: fixtures.scenario('insulin', false)
			}
		});
		await page.getByText(fixtures.candidateCard.background).waitFor();
		await inspect(page, 'exam-room');
		await button('Leave').first().click();
		await page.getByText(/this role play of your mock exam is used up/).waitFor();
		await button('Stay').click();
		await room((r) =>
			r.phase({ name: 'playing', remaining_ms: 300_000, running: true })
		);
		await button('Leave').first().click();
		await page.getByText(/It is used up: you cannot play it again./).waitFor();
		await button('Stay').click();
		show(exam('between', ['analysing'], { next: { position: 2, replaces: false } }));
		await room((r) =>
			r.phase({ name: 'ended', remaining_ms: 0, running: false, reason: 'time' })
		);
		await page.waitForURL('**/exams/e1'); // by itself, and with nothing to play again
		await page.getByRole('timer', { name: 'Time left of the break' }).waitFor();
	});

	it('has a break of a minute, and goes on by itself', async () => {
		server.answers.set('POST /api/exams/e1/attempts', {
			status: 201,
			body: { id: 'a2', state: 'created', position: 2 }
		});
		const next = { position: 2, replaces: false };
		show(exam('between', ['analysing'], { next }));
		await page.goto('/exams/e1');
		await page.getByRole('timer', { name: 'Time left of the break' }).waitFor();
		await inspect(page, 'exam-break');
		const changed_at = new Date(Date.now() - 57_000).toISOString();
		show(exam('between', ['analysing'], { next, changed_at }));
		await page.reload();
		await page.waitForURL('**/room/a2?as=candidate');
	});

	it('waits for who comes back after the break, and can be ended', async () => {
		const changed_at = new Date(Date.now() - 600_000).toISOString();
		show(
			exam('between', ['reported'], { changed_at, next: { position: 2, replaces: false } })
		);
		server.answers.set('POST /api/exams/e1/end', { status: 200, body: exam('reported') });
		await page.goto('/exams/e1');
		await button('Begin the second role play').waitFor();
		expect(await page.getByRole('timer').count()).toBe(0);
		await button('End the mock exam').click();
		await page.getByText('Its result is then of the first role play only.').waitFor();
		show(exam('reported', ['reported']));
		await button('End it').click();
		await page.getByText('This result is of one role play only.').waitFor();
		await inspect(page, 'exam-half');
	});

	it('shows one result over both', async () => {
		show(exam('analysing', ['reported', 'analysing']));
		await page.goto('/exams/e1');
		await page.getByText(/your result is being made/).waitFor();
		await inspect(page, 'exam-analysing');
		show(exam('reported', ['reported', 'reported']));
		await page.getByRole('heading', { name: 'Measures' }).waitFor();
		await inspect(page, 'exam-result');
		const pace = page.locator('[data-measure=articulation_rate_syll_per_s] td');
		expect(await pace.allInnerTexts()).toEqual(['4.05', '4.05', '4.05']);
		const pitch = page.locator('[data-measure=f0_median_hz] td');
		expect(await pitch.last().innerText()).toBe('–');
		await page.getByText('connection lost').waitFor();
		const links = page.getByRole('link', { name: 'Listen back, and full report' });
		expect(await links.count()).toBe(2);
		await links.last().click();
		await page.waitForURL('**/attempts/a2');
	});

	it('says what failed, and lets it be repeated once', async () => {
		const failed = exam('reported', ['failed', 'reported'], {
			next: { position: 1, replaces: true }
		});
		show(failed);
		server.answers.set('POST /api/exams/e1/attempts', {
			status: 201,
			body: { id: 'a3', state: 'created', position: 1 }
		});
		await page.goto('/exams/e1');
		await page.getByText('The first role play can be played again.').waitFor();
		await inspect(page, 'exam-repeat');
		await button('Play the first role play again').click();
		await page.waitForURL('**/room/a3?as=candidate');
	});

	it('says that nothing was played, or that it is not there', async () => {
		show(exam('abandoned'));
		await page.goto('/exams/e1');
		await page.getByText('This mock exam ended before anything was played.').waitFor();
		await inspect(page, 'exam-abandoned');
		show({ status: 404, detail: 'There is no such exam, or it is not yours.' }, 404);
		await page.goto('/exams/e1');
		await page.getByRole('heading', { name: 'Not found' }).waitFor();
	});
});

describe('the partner', () => {
	it('is invited to the second room in the first', async () => {
		server.user = fixtures.tutor;
		server.answers.set('GET /api/attempts/a1', {
			status: 200,
			body: {
				...fixtures.attempt('a1', 'playing', {
					part: 'patient',
					exam_id: 'e1',
					exam_position: 1
				}),
				scenario: fixtures.scenario('insulin', true)
			}
		});
		show(exam('between', ['analysing']));
		await page.goto('/room/a1?as=patient');
		await page.locator('.network', { hasText: /Connected|connection/ }).waitFor();
		await room((r) =>
			r.phase({ name: 'ended', remaining_ms: 0, running: false, reason: 'time' })
		);
		await page.getByText('The second role play begins within a minute.').waitFor();
		show(exam('second', ['analysing', 'preparing']));
		const link = page.getByRole('link', { name: 'Join the second role play' });
		await link.waitFor();
		await inspect(page, 'exam-invitation');
		expect(await link.getAttribute('href')).toBe('/room/a2?as=patient');
	});
});
