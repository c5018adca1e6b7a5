import { type Browser, type BrowserContext, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { open, WIDE } from './browser.ts';
import { ear } from './ear.ts';

/** Louder than this is a voice; dB re full scale. */
export const VOICE_DB = -45;
/** Softer than this is nobody. */
const SILENCE_DB = -70;
const PATIENCE_MS = 45_000;

/** Somebody with a browser profile of their own, signed in or not. Belongs to the test; close() ends it. */
export class Person {
	private constructor(
		readonly page: Page,
		readonly context: BrowserContext,
		private readonly problems: string[]
	) {}

	static async arrive(browser: Browser, url: string): Promise<Person> {
		const context = await browser.newContext({
			baseURL: url,
			viewport: WIDE,
			reducedMotion: 'reduce',
			permissions: ['microphone']
		});
		context.setDefaultTimeout(PATIENCE_MS);
		await context.addInitScript(ear);
		const { page, problems } = await open(context);
		return new Person(page, context, problems);
	}

	/** Ends it. That the server was killed is no mistake of the page's, and the browser notes it all the same. */
	async close({ serverWasAway = false } = {}): Promise<void> {
		await this.context.close();
		expect(
			this.problems.filter((p) => !(serverWasAway && p.includes('WebSocket connection to')))
		).toEqual([]);
	}

	/** Signs in as somebody of the demo, or with an address. */
	async signIn(who: string, password = 'bedside-demo'): Promise<void> {
		await this.firstStep(who, password);
		await this.page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
	}

	/** Gives address and password, as the first of two steps or the only one. */
	async firstStep(who: string, password = 'bedside-demo'): Promise<void> {
		if (new URL(this.page.url(), 'http://none').pathname !== '/sign-in')
			await this.page.goto('/sign-in');
		await this.page.getByLabel('E-mail').fill(who.includes('@') ? who : `${who}@demo.bedside`);
		await this.page.getByLabel('Password', { exact: true }).fill(password);
		await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
	}

	/** From the sound check into the room; gives the attempt's id. */
	async enter(button: 'Enter the room' | 'Join as the patient'): Promise<string> {
		await this.page.getByText('You come through clearly').waitFor();
		await this.page.getByRole('checkbox').check();
		await this.page.getByRole('button', { name: button }).click();
		await this.page.waitForURL('**/room/*');
		await this.connected();
		return new URL(this.page.url()).pathname.split('/').at(-1) ?? '';
	}

	async connected(): Promise<void> {
		await this.page.locator('.network', { hasText: /Connected|connection/ }).waitFor();
	}

	/** Seconds since the page opened the microphone: where in its file the fake one is. */
	spoken(): Promise<number> {
		return this.page.evaluate(() => (performance.now() - window.ear.opened) / 1000);
	}

	/** Waits until the fake microphone is at a place of its file. */
	async speaksUntil(seconds: number): Promise<void> {
		await this.page.waitForFunction(
			(s) => (performance.now() - window.ear.opened) / 1000 >= s,
			seconds,
			{ timeout: PATIENCE_MS + 1000 * seconds }
		);
	}

	/** Waits until somebody who is shown as speaking has been heard for a second or so, from now on. */
	async hears(name: string): Promise<void> {
		await this.page.evaluate(() => void (window.ear.heard.length = 0));
		const enough = ([who, floor]: [string, number]) =>
			window.ear.heard.filter((m) => m.db > floor && m.speaking.includes(who)).length >= 10;
		await this.page
			.waitForFunction(enough, [name, VOICE_DB] as [string, number])
			.catch(async (error: unknown) => {
				const heard = await this.page.evaluate(() => window.ear.heard.slice(-20));
				throw new Error(`${name} was not heard: ${JSON.stringify(heard)}`, {
					cause: error
				});
			});
	}

	/** Waits until nothing is heard and nobody is shown as speaking. */
	async hearsNothing(): Promise<void> {
		const quiet = (ceiling: number) => {
			const last = window.ear.heard.slice(-10);
			return (
				last.length === 10 && last.every((m) => m.db < ceiling && m.speaking.length === 0)
			);
		};
		await this.page.waitForFunction(quiet, SILENCE_DB);
	}

	async finish(): Promise<void> {
		await this.page.getByRole('button', { name: 'Finish' }).click();
		await this.page.getByRole('alertdialog').getByRole('button', { name: 'Finish' }).click();
	}

	/** Seconds on the room's clock. */
	async clock(): Promise<number> {
		const [minutes = NaN, seconds = NaN] = (await this.page.getByRole('timer').innerText())
			.split(':')
			.map(Number);
		return minutes * 60 + seconds;
	}

	/** Waits for the report and gives a headline figure of it. */
	async report(attempt: string, key: string): Promise<number> {
		await this.page.waitForURL(`**/attempts/${attempt}`);
		await this.page.getByRole('heading', { name: 'Measures' }).waitFor();
		return parseFloat(await this.page.locator(`[data-headline=${key}] dd`).innerText());
	}
}
