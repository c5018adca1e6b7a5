import { readFileSync, rmSync } from 'node:fs';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { launch, open, WIDE } from './browser.ts';
import * as fixtures from './fixtures.ts';
import { mock, type Mock } from './mock.ts';
import { Server } from './server.ts';
import { folder, speak } from './speech.ts';

/** A browser and a server for all tests of a file. The fields are set while the tests run. */
interface Running<S> {
	browser: Browser;
	server: S;
	/** A folder for the files of this test run. */
	dir: string;
}

/**
 * Registers hooks that start a real server and a browser for a file's tests, and stop them.
 * `microphone` writes the WAV file that the browser hears, and returns its path.
 */
export function useServer(microphone: (dir: string) => string): Running<Server> {
	const running = {} as Running<Server>;
	beforeAll(async () => {
		running.dir = folder();
		running.browser = await launch(microphone(running.dir));
		running.server = new Server();
		await running.server.start();
	}, 120_000);
	afterAll(() => stop(running));
	return running;
}

/** Tests of screens: a mock server, and a new browser profile for each test. */
interface Screens extends Running<Mock> {
	context: BrowserContext;
	page: Page;
	/** Script errors and violations of the content security policy; any of them fails the test. */
	problems: string[];
	/** Replaces the browser profile, with other options or none. */
	restart(options?: BrowserContextOptions): Promise<void>;
}

/** Registers hooks that start a mock server and a browser that hears `text` for a file's tests. */
export function useMock(
	text: string,
	seconds: { lead: number; tail: number },
	options: BrowserContextOptions,
	prepare: (context: BrowserContext) => Promise<unknown> = async () => undefined
): Screens {
	const screens = {
		async restart(more = {}) {
			await screens.context?.close();
			screens.context = await screens.browser.newContext({
				baseURL: screens.server.url,
				viewport: WIDE,
				colorScheme: 'light',
				reducedMotion: 'reduce',
				timezoneId: 'Europe/Vienna',
				serviceWorkers: 'block',
				...options,
				...more
			});
			screens.context.setDefaultTimeout(15_000);
			await prepare(screens.context);
			Object.assign(screens, await open(screens.context));
		}
	} as Screens;
	beforeAll(async () => {
		screens.dir = folder();
		const take = speak(screens.dir, 'voice', text, 'en-gb', seconds.lead, seconds.tail);
		screens.browser = await launch(take.file);
		screens.server = await mock();
		screens.server.audio = readFileSync(take.file);
	});
	afterAll(() => stop(screens));
	beforeEach(async () => {
		screens.server.answers.clear();
		screens.server.sent.clear();
		screens.server.first = undefined;
		screens.server.user = fixtures.candidate;
		screens.server.state = 'reported';
		await screens.restart();
	});
	afterEach(async () => {
		await screens.context.close();
		expect(screens.problems).toEqual([]);
	});
	return screens;
}

async function stop({ browser, server, dir }: Running<Mock | Server>): Promise<void> {
	await browser?.close();
	await server?.close();
	if (dir) rmSync(dir, { recursive: true, force: true });
}
