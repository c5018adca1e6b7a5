import { type Browser, type BrowserContext, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { open, WIDE } from './browser.ts';
import { recordPageAudio } from './page-audio.ts';

/** The level above which there is a voice, dB re full scale. */
export const VOICE_DB = -45;
/** The level below which there is silence. */
const SILENCE_DB = -70;
const TIMEOUT_MS = 45_000;

/** A person with a browser profile of their own. The test ends it with close(). */
export class Person {
	private constructor(
		readonly page: Page,
		readonly context: BrowserContext,
		private readonly problems: string[]
	) {}

	static async open(browser: Browser, url: string): Promise<Person> {
		const context = await browser.newContext({
			baseURL: url,
			viewport: WIDE,
			reducedMotion: 'reduce',
			permissions: ['microphone'],
			serviceWorkers: 'block'
		});
		context.setDefaultTimeout(TIMEOUT_MS);
		await context.addInitScript(recordPageAudio);
		const { page, problems } = await open(context);
		return new Person(page, context, problems);
	}

	/**
	 * Closes the browser profile and checks that there were no problems. While a server is down,
	 * the browser logs its failed connections; these are no problems of the page.
	 */
	async close({ serverWasAway = false } = {}): Promise<void> {
		await this.context.close();
		expect(
			this.problems.filter((p) => !(serverWasAway && p.includes('WebSocket connection to')))
		).toEqual([]);
	}

	/** Signs in with an address, or with the name of a demo account. */
	async signIn(who: string, password = 'bedside-demo'): Promise<void> {
		await this.firstStep(who, password);
		await this.page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
	}

	/** Sends address and password, which may be the first of two steps. */
	async firstStep(who: string, password = 'bedside-demo'): Promise<void> {
		if (new URL(this.page.url(), 'http://none').pathname !== '/sign-in')
			await this.page.goto('/sign-in');
		await this.page.getByLabel('E-mail').fill(who.includes('@') ? who : `${who}@demo.bedside`);
		await this.page.getByLabel('Password', { exact: true }).fill(password);
		await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
	}

	/** Goes from the sound check into the room; returns the id of the attempt. */
	async enter(button: 'Enter the room' | 'Join as the patient'): Promise<string> {
		await this.page.getByText('You come through clearly').waitFor();
		await this.page.getByRole('checkbox').check();
		await this.page.getByRole('button', { name: button }).click();
		await this.page.waitForURL('**/room/*');
		await this.connected();
		return new URL(this.page.url()).pathname.split('/').at(-1) ?? '';
	}

	async connected(): Promise<void> {
		// On a phone this is on a sheet of its own.
		await this.page
			.locator('.network', { hasText: /Connected|connection/ })
			.waitFor({ state: 'attached' });
	}

	/**
	 * Returns the seconds since the page opened the microphone, which is the position in its file.
	 */
	spoken(): Promise<number> {
		return this.page.evaluate(() => (performance.now() - window.pageAudio.opened) / 1000);
	}

	/** Waits until the fake microphone has reached a position in its file. */
	async speaksUntil(seconds: number): Promise<void> {
		await this.page.waitForFunction(
			(s) => (performance.now() - window.pageAudio.opened) / 1000 >= s,
			seconds,
			{ timeout: TIMEOUT_MS + 1000 * seconds }
		);
	}

	/** Waits until a person who is shown as speaking has been heard for about a second. */
	async hears(name: string): Promise<void> {
		await this.page.evaluate(() => void (window.pageAudio.heard.length = 0));
		const enough = ([who, floor]: [string, number]) =>
			window.pageAudio.heard.filter((m) => m.db > floor && m.speaking.includes(who))
				.length >= 10;
		await this.page
			.waitForFunction(enough, [name, VOICE_DB] as [string, number])
			.catch(async (error: unknown) => {
				const heard = await this.page.evaluate(() => window.pageAudio.heard.slice(-20));
				throw new Error(`${name} was not heard: ${JSON.stringify(heard)}`, {
					cause: error
				});
			});
	}

	/** Waits until nothing is heard and nobody is shown as speaking. */
	async hearsNothing(): Promise<void> {
		const quiet = (ceiling: number) => {
			const last = window.pageAudio.heard.slice(-10);
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

	/** Returns the seconds on the room's clock. */
	async clock(): Promise<number> {
		const [minutes = NaN, seconds = NaN] = (await this.page.getByRole('timer').innerText())
			.split(':')
			.map(Number);
		return minutes * 60 + seconds;
	}

	/** Waits for the report and returns one of its headline measures. */
	async report(attempt: string, key: string): Promise<number> {
		await this.page.waitForURL(`**/attempts/${attempt}`);
		await this.page.getByRole('heading', { name: 'Measures' }).waitFor();
		return parseFloat(await this.page.locator(`[data-headline=${key}] dd`).innerText());
	}
}
