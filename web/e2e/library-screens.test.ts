import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { accessible, fits, inspect, NARROW, picture, WIDE } from './browser.ts';
import * as fixtures from './fixtures.ts';
import { answer, ID, insulin, library, type Library } from './mock-library.ts';
import { useMock } from './setup.ts';

const screens = useMock('Good morning.', { lead: 0, tail: 1 }, {});
let page: Page;
let shelf: Library;
beforeEach(() => {
	({ page } = screens);
	const { server } = screens;
	server.user = fixtures.tutor;
	shelf = library();
	server.first = (method, path, request) => answer(shelf, server.user, method, path, request);
});

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
const heading = (name: string) => page.getByRole('heading', { name, exact: true }).waitFor();
const yaml = () => page.getByLabel('YAML', { exact: true }).and(page.locator('textarea'));
const form = () => page.getByRole('form', { name: 'Scenario' });
const field = (name: string) => form().getByLabel(name, { exact: true }).first();

async function edit(): Promise<void> {
	await page.goto(`/library/${ID}`);
	await heading('Starting insulin at home');
	await page.getByText('Nothing to change.').waitFor();
}

async function save(note = ''): Promise<void> {
	await button('Save').click();
	if (note) await page.getByLabel('What has changed').fill(note);
	await button('Save the version').click();
}

describe('the library', () => {
	it('lists scenarios by state, and makes, copies, imports and exports them', async () => {
		await page.goto('/library');
		await heading('Library');
		await page.getByRole('link', { name: 'Starting insulin at home' }).waitFor();
		await inspect(page, 'library');
		await page.setViewportSize(WIDE);

		await page.getByRole('radio', { name: 'Drafts' }).click();
		await page.getByText('There are no drafts.').waitFor();
		expect(page.url()).toContain('state=draft');
		await page.getByRole('radio', { name: 'Published' }).click();

		const download = page.waitForEvent('download');
		await button('Export Starting insulin at home').click();
		expect((await download).suggestedFilename()).toBe('insulin.yaml');

		await page.getByTestId('import').setInputFiles({
			name: 'two.yaml',
			mimeType: 'application/yaml',
			buffer: Buffer.from('slug: a\n---\nslug: b\n')
		});
		await page.getByText('2 scenarios were imported as drafts.').waitFor();
		expect(shelf.imported).toEqual(['slug: a\n---\nslug: b\n']);

		await button('New scenario').click();
		await button('Create the draft').click();
		await page.getByText('Give the scenario a title.').waitFor();
		await page.getByLabel('Title').fill('A fear of heights');
		await button('Create the draft').click();
		await heading('A fear of heights');
		expect(shelf.documents[0]).toMatchObject({
			schema: 'scenario/1',
			slug: 'nursing-a-fear-of-heights'
		});
	});

	it('is not for candidates', async () => {
		screens.server.user = fixtures.candidate;
		await page.goto('/library');
		await page.getByText('This page is for tutors.').waitFor();
	});
});

describe('the editor', () => {
	it('keeps form and YAML in step, shows a mistake where it is, and saves', async () => {
		await edit();
		await inspect(page, 'library-editor');
		await page.setViewportSize(WIDE);

		await field('Title').fill('Insulin: a start');
		expect(await yaml().inputValue()).toContain('title: "Insulin: a start"\n');
		await yaml().fill((await yaml().inputValue()).replace('difficulty: 2', 'difficulty: 7'));
		await page.getByText('1 error', { exact: true }).waitFor();
		expect(await field('Difficulty').inputValue()).toBe('7');
		expect(await button('Publish').isDisabled()).toBe(true);
		await accessible(page, 'editor with an error');
		await picture(page, 'library-error-1280');

		await page.getByRole('button', { name: /line \d+/ }).click();
		expect(
			await yaml().evaluate((area: HTMLTextAreaElement) =>
				area.value.slice(area.selectionStart, area.selectionEnd)
			)
		).toBe('difficulty: 7');
		await page.keyboard.type('difficulty: 3');
		await page.getByText('Nothing to change.').waitFor();
		expect(await field('Difficulty').inputValue()).toBe('3');

		await save('Shorter');
		await page.getByText('Saved as version 4.').waitFor();
		expect(shelf.documents[3]).toEqual({
			...insulin,
			title: 'Insulin: a start',
			difficulty: 3
		});
		await page.getByText('Newer draft').waitFor();
		await button('Publish').click();
		await page.getByText('Published: candidates get version 4').waitFor();
	});

	it('changes lists in the form', async () => {
		await edit();
		await page.getByRole('heading', { name: 'The candidate’s card' }).click();
		await field('Task 1').fill('Ask how he feels.');
		await button('Add a task').click();
		await field('Task 4').fill('Agree on what comes next.');
		await button('Move task 4 up').click();
		await button('Remove task 1').click();
		await form().getByLabel('B2', { exact: true }).check();
		await save();
		await page.getByText('Saved as version 4.').waitFor();
		expect(shelf.documents[3]).toMatchObject({
			indicators: ['A4', 'B2', 'E4'],
			candidate_card: {
				tasks: [
					{ id: 't2', text: 'Explain the pen.' },
					'Agree on what comes next.',
					'Check.'
				]
			}
		});
	});

	it('uploads a picture', async () => {
		await edit();
		await page.getByTestId('upload-scenario').setInputFiles({
			name: 'kitchen.png',
			mimeType: 'image/png',
			buffer: Buffer.from(
				'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
				'base64'
			)
		});
		await page.getByLabel('What the picture shows').fill('A kitchen');
		await button('Upload this picture').click();
		await page.getByText('The picture is uploaded.').waitFor();
		await expect
			.poll(() => yaml().inputValue())
			.toContain('picture:\n  media: m9\n  alt: A kitchen');
		await page.getByRole('img', { name: 'A kitchen' }).waitFor();
	});

	it('says when somebody else has saved, and shows what differs', async () => {
		await edit();
		await field('Title').fill('Mine');
		shelf.documents.push({ ...insulin, title: 'Theirs' });
		await save();
		await heading('Somebody else has saved this scenario');
		expect(await page.locator('.diff del').allTextContents()).toEqual(['−title: Theirs']);
		expect(await page.locator('.diff ins').allTextContents()).toEqual(['+title: Mine']);
		await inspect(page, 'library-conflict');
		await button('Go on with my text').click();
		expect(await field('Title').inputValue()).toBe('Mine');
		await save();
		await page.getByText('Saved as version 5.').waitFor();
		expect(shelf.documents.map((document) => document.title).slice(3)).toEqual([
			'Theirs',
			'Mine'
		]);
	});

	it('takes the other version when asked', async () => {
		await edit();
		await field('Title').fill('Mine');
		shelf.documents.push({ ...insulin, title: 'Theirs' });
		await save();
		await button('Take theirs and drop mine').click();
		expect(await field('Title').inputValue()).toBe('Theirs');
		expect(await button('Save').isDisabled()).toBe(true);
	});

	it('keeps unsaved work over a reload, and asks before it is left', async () => {
		await edit();
		await field('Title').fill('Not saved yet');
		await page.reload();
		await page.getByText(/^This is your unsaved work/).waitFor();
		expect(await field('Title').inputValue()).toBe('Not saved yet');

		await page.getByRole('link', { name: 'History' }).click();
		await page.getByRole('alertdialog').waitFor();
		await button('Stay here').click();
		expect(page.url()).toMatch(/library\/[^/]+$/);
		await page.getByRole('link', { name: 'History' }).click();
		await button('Leave the page').click();
		await heading('History');

		await page.goBack();
		await page.getByText(/^This is your unsaved work/).waitFor();
		await button('Discard it').click();
		expect(await field('Title').inputValue()).toBe('Starting insulin at home');
		await page.getByRole('link', { name: 'History' }).click();
		await heading('History');
	});

	it('waits with the form while the YAML cannot be read', async () => {
		await edit();
		await yaml().fill('title: [');
		await page.getByText('The YAML cannot be read at the moment').waitFor();
		await save();
		await page.getByText('The YAML cannot be read. Mend it').waitFor();
		expect(shelf.documents).toHaveLength(3);
	});

	it('shows the card as a candidate sees it', async () => {
		await edit();
		await button('Preview').click();
		const preview = page.getByRole('dialog', { name: 'As a candidate sees it' });
		await preview.getByText('Explain the pen.').waitFor();
		expect(await preview.getByText('Gruff').count()).toBe(0);
		await picture(page, 'library-preview-1280', false);
		await accessible(page, 'preview');
	});

	it('has two sheets on a phone', async () => {
		await page.setViewportSize(NARROW);
		await edit();
		expect(await yaml().isVisible()).toBe(false);
		await page.getByRole('radio', { name: 'YAML' }).click();
		expect(await form().isVisible()).toBe(false);
		await yaml().fill((await yaml().inputValue()).replace('difficulty: 2', 'difficulty: 0'));
		await page.getByRole('radio', { name: 'Form' }).click();
		await page.getByRole('button', { name: /line \d+/ }).click();
		expect(await yaml().isVisible()).toBe(true);
		await fits(page, 'YAML on a phone');
		await accessible(page, 'YAML on a phone');
		await picture(page, 'library-yaml-360');
	});
});

describe('the history', () => {
	it('compares any two versions, and restores one', async () => {
		await page.goto(`/library/${ID}/versions`);
		await heading('From version 2 to version 3');
		await page.getByText('Theo Marsh').first().waitFor();
		expect(await page.locator('.diff ins').allTextContents()).toEqual([
			'+title: Starting insulin at home'
		]);
		await inspect(page, 'library-history');
		await page.setViewportSize(WIDE);
		await page.getByLabel('Compare from version 1').check();
		await page.getByText('Nothing differs.').waitFor();
		await button('Restore version 2').click();
		await button('Restore it').click();
		await page.getByText('Version 2 is back, as version 4.').waitFor();
		expect(shelf.documents[3]).toEqual(shelf.documents[1]);
	});
});
