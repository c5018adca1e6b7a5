import type { Browser } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import type { components } from '../src/lib/gen/api.ts';
import { Person } from './people.ts';
import type { Server } from './server.ts';
import { useServer } from './setup.ts';
import { join, speak } from './speech.ts';

// Both microphones speak without a pause, from the sound check to the end of the play.
const SENTENCE =
	'I would like to explain what happens next, how we will do it together, ' +
	'and whom you can ask at any hour. ';
const PLAY_S = 40;
/** A packet that arrives later than this after it was due is as good as lost to its listener. */
const PLAYOUT_MS = 200;

/** What one browser received from the other, by its own statistics. */
interface Reception {
	received: number;
	/** Never arrived, or more than PLAYOUT_MS late. */
	missing: number;
	requested: number;
}

declare global {
	interface Window {
		connections: RTCPeerConnection[];
	}
}

const running = useServer((dir) => {
	const said = speak(dir, 'said', SENTENCE.repeat(20), 'en-gb', 0.3, 60);
	return join(dir, 'microphone', said);
});
let browser: Browser;
let server: Server;
beforeAll(() => void ({ browser, server } = running));

/** Keeps the page's connections for the test, and has them wait PLAYOUT_MS for late packets. */
function watchConnections(playoutMs: number): void {
	window.connections = [];
	window.RTCPeerConnection = class extends RTCPeerConnection {
		constructor(configuration?: RTCConfiguration) {
			super(configuration);
			window.connections.push(this);
			this.addEventListener('track', ({ receiver }) => {
				receiver.jitterBufferTarget = playoutMs;
			});
		}
	};
}

async function reception({ page }: Person): Promise<Reception> {
	return page.evaluate(async () => {
		const total = { received: 0, missing: 0, requested: 0 };
		for (const connection of window.connections) {
			for (const s of (await connection.getStats()).values()) {
				if (s.type !== 'inbound-rtp') continue;
				total.received += s.packetsReceived;
				total.missing += s.packetsLost + (s.packetsDiscarded ?? 0);
				total.requested += s.nackCount ?? 0;
			}
		}
		return total;
	});
}

it('delivers a role play over a link that loses every twentieth packet', async ({ annotate }) => {
	const [candidate, tutor] = (await Promise.all(
		['candidate', 'tutor'].map(async (who) => {
			const person = await Person.open(browser, server.url);
			await person.context.addInitScript(watchConnections, PLAYOUT_MS);
			await person.signIn(who);
			return person;
		})
	)) as [Person, Person];
	await candidate.page.locator('.scenario').first().click();
	await candidate.page.getByRole('link', { name: 'With a tutor' }).click();
	const attempt = await candidate.enter('Enter the room');
	await tutor.page.locator(`a[href*="${attempt}"]`, { hasText: 'Play the patient' }).click();
	await tutor.enter('Join as the patient');
	await candidate.page.getByText('Plays the patient').waitFor();

	const report = candidate.page.waitForResponse(
		(r) => r.ok() && r.url().endsWith(`/${attempt}/report`),
		{ timeout: 180_000 }
	);
	await candidate.page.getByRole('button', { name: 'Begin now' }).click();
	await tutor.page.getByText('The role play has begun.').waitFor({ state: 'attached' });
	await candidate.speaksUntil((await candidate.spoken()) + PLAY_S);
	const heard = { candidate: await reception(candidate), tutor: await reception(tutor) };
	await candidate.finish();
	const { speakers } = (await (await report).json()) as components['schemas']['Report'];
	const logged = speakers.map(({ speaker, frames }) => ({ speaker, ...frames }));
	await annotate(JSON.stringify({ heard, logged }));

	for (const [who, { received, missing, requested }] of Object.entries(heard)) {
		expect(received, `packets that the ${who} received`).toBeGreaterThan(PLAY_S * 40);
		expect(requested, `packets that the ${who}'s browser requested again`).toBeGreaterThan(0);
		expect(missing / received, `share of packets that the ${who} missed`).toBeLessThan(0.005);
	}
	for (const { speaker, frames } of speakers) {
		const lost = frames.lost / frames.received;
		expect(frames.received, `the ${speaker}'s frames in the log`).toBeGreaterThan(PLAY_S * 40);
		expect(lost, `share of the ${speaker}'s frames lost to the log`).toBeLessThan(0.001);
	}
	await candidate.close();
	await tutor.close();
});
