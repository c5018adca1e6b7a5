import type { Browser } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import type { components } from '../src/lib/gen/api.ts';
import { Person } from './people.ts';
import type { Server } from './server.ts';
import { useServer } from './setup.ts';
import { speak } from './speech.ts';

const SENTENCE = 'I would like to explain what happens next, and how we will do it together. ';

declare global {
	interface Window {
		/** Lets the microphone of the page's connection be heard, or stops its packets. */
		send: (on: boolean) => Promise<void>;
		/** Counts the packets of the page's connection, once no more are sent. */
		count: () => Promise<number>;
	}
}

/** Keeps the newest connection of the page for the test. */
function watchConnections(): void {
	const connections: RTCPeerConnection[] = [];
	let microphone: MediaStreamTrack | null = null;
	window.RTCPeerConnection = class extends RTCPeerConnection {
		constructor(configuration?: RTCConfiguration) {
			super(configuration);
			connections.push(this);
		}
	};
	const sender = () => connections.at(-1)?.getSenders().find((s) => s.track ?? microphone);
	window.send = async (on) => {
		microphone = sender()?.track ?? microphone;
		await sender()?.replaceTrack(on ? microphone : null);
	};
	const packets = async () => {
		for (const s of (await connections.at(-1)?.getStats())?.values() ?? [])
			if (s.type === 'outbound-rtp')
				return s.packetsSent - (s.retransmittedPacketsSent ?? 0);
		return 0;
	};
	window.count = async () => {
		for (let before = -1; ;) {
			await new Promise((done) => setTimeout(done, 200)); // getStats caches its result
			const now = await packets();
			if (now === before) return now;
			before = now;
		}
	};
}

const running = useServer((dir) => speak(dir, 'said', SENTENCE.repeat(40), 'en-gb', 0.3, 60).file);
let browser: Browser;
let server: Server;
beforeAll(() => void ({ browser, server } = running));

it('every frame is counted after a killed server, reloads and the end', async () => {
	const candidate = await Person.open(browser, server.url);
	const { page } = candidate;
	await candidate.context.addInitScript(watchConnections);
	await candidate.signIn('candidate');
	await page.locator('.scenario').first().click();
	await page.getByRole('link', { name: 'With a tutor' }).click();
	const attempt = await candidate.enter('Enter the room');
	const stop = async () => {
		await page.evaluate(() => window.send(false));
		return page.evaluate(() => window.count());
	};
	const speaks = async (seconds: number) =>
		candidate.speaksUntil((await candidate.spoken()) + seconds);
	const goOn = () => page.evaluate(() => window.send(true));

	const beforePlay = await stop();
	await page.getByRole('button', { name: 'Begin now' }).click();
	await page.getByRole('button', { name: 'Finish' }).waitFor();
	await goOn();
	await speaks(3);
	await server.kill();
	await speaks(2); // into nothing
	const first = (await stop()) - beforePlay;
	await expect
		.poll(() => page.evaluate((key) => sessionStorage.getItem(key), `bedside.sent.${attempt}`))
		.toContain(`,${first + beforePlay}]`);
	// Only the next page joins again: it alone can tell what this one has sent.
	let reloaded = false;
	page.once('framenavigated', () => (reloaded = true));
	await page.route('**/ticket', (route) => (reloaded ? route.continue() : route.abort()));
	await server.start();
	await page.reload();
	await candidate.connected();
	await speaks(3);
	const second = await stop();
	await page.reload();
	await candidate.connected();
	await speaks(3);
	const third = await stop();

	const answer = page.waitForResponse((r) => r.url().endsWith('/report') && r.ok());
	await candidate.finish();
	await candidate.report(attempt, 'speech_duration_s');
	const report = (await (await answer).json()) as components['schemas']['Report'];
	const { frames, interruptions } = report.speakers[0] as components['schemas']['SpeakerReport'];
	expect(frames.sent).toBe(first + second + third);
	expect(frames.analysed + frames.concealed + frames.lost).toBe(frames.sent);
	expect(frames.lost, 'frames sent to a dead server').toBeGreaterThan(80);
	expect(interruptions.filter((i) => i.cause === 'server_restarted')).toHaveLength(1);
	await candidate.close({ serverWasAway: true });
});
