import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { inspect } from './browser.ts';
import { admin } from './mock-accounts.ts';
import { useMock } from './setup.ts';

const screens = useMock('Nothing is said.', { lead: 0.5, tail: 1 }, {});
let page: Page;
let server: typeof screens.server;
const WORKERS = 'GET /api/patient/workers';
beforeEach(() => {
	({ page, server } = screens);
	server.user = admin;
	server.answers.clear();
});

describe('automatic patients', () => {
	it('shows what hears the candidates, and why', async () => {
		server.answers.set(WORKERS, {
			status: 200,
			body: {
				items: [
					{
						name: 'speech-1',
						slots: 4,
						free: 3,
						waiting: 0,
						recogniser: 'sherpa-onnx',
						why: 'api: the transcription API answers 401'
					},
					{
						name: 'speech-2',
						slots: 4,
						free: 0,
						waiting: 2,
						recogniser: 'pocketsphinx',
						why: ''
					},
					{
						name: 'speech-3',
						slots: 4,
						free: 4,
						waiting: 0,
						recogniser: '',
						why: "pocketsphinx's model (install pocketsphinx-en-us) is missing"
					}
				]
			}
		});
		await page.goto('/admin/speech');
		const first = page.getByRole('listitem').filter({ hasText: 'speech-1' });
		await first.getByText('sherpa-onnx with its installed model hears').waitFor();
		expect(await first.innerText()).toContain('Why not a better one: api: the transcription');
		const second = page.getByRole('listitem').filter({ hasText: 'speech-2' });
		expect(await second.innerText()).toMatch(/0 of 4 free\s+2 waiting/);
		await page.getByText('Hears nothing').waitFor();
		await inspect(page, 'speech');
	});

	it('says what to do when no process answers', async () => {
		server.answers.set(WORKERS, { status: 200, body: { items: [] } });
		await page.goto('/admin/speech');
		await page.getByText('No process answers').waitFor();
		await inspect(page, 'speech-nobody');
	});

	it('offers to try again when it cannot be loaded', async () => {
		server.answers.set(WORKERS, {
			status: 503,
			body: { title: 'Unavailable', status: 503, detail: 'Try again later.' }
		});
		await page.goto('/admin/speech');
		await page.getByRole('button', { name: 'Try again' }).waitFor();
	});
});
