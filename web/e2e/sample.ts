// Makes the sample report that the pages show to guests: a role play between two synthetic voices,
// on a real server. Its names are invented, and nobody's voice is in it.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { components } from '../src/lib/gen/api.ts';
import { converse } from './conversation.ts';
import { BEDSIDE, Server } from './server.ts';
import { folder } from './speech.ts';

type Schemas = components['schemas'];

const TO = new URL('../src/routes/(open)/sample-report/sample/', import.meta.url).pathname;
const SCENARIO = 'nursing-insulin-at-home';
const SPEAKERS = ['candidate', 'patient'] as const;
/** The report's and each recording's largest size in the repository. */
const MOST_BYTES = 400_000;

/** Keeps every nth value, and fewer digits: nobody sees the rest in a plot. */
function thin(report: Schemas['Report']): Schemas['Report'] {
	const rounded = (_: string, value: unknown) =>
		typeof value === 'number' ? Number(value.toPrecision(4)) : value;
	const speakers = report.speakers.map((speaker) => ({
		...speaker,
		analysis: {
			...speaker.analysis,
			syllables: [],
			intensity: [],
			pitch: speaker.analysis.pitch.filter((_, i) => i % 2 === 0)
		}
	}));
	return JSON.parse(JSON.stringify({ ...report, speakers }, rounded)) as Schemas['Report'];
}

it('makes the sample report', { timeout: 300_000 }, async () => {
	const dir = folder();
	const server = new Server();
	try {
		const { nurse, patient } = converse(dir, 0.2, 1);
		await server.start();
		const { stdout } = await promisify(execFile)(
			BEDSIDE,
			[
				...['rehearse', '--json', '--url', server.url, '--scenario', SCENARIO],
				...['--audio', nurse, '--partner', patient]
			],
			{ maxBuffer: 1 << 26 }
		);
		const { attempt_id: id } = JSON.parse(stdout) as { attempt_id: string };

		const ask = async (path: string, init?: RequestInit) => {
			const answer = await fetch(server.url + path, init);
			expect(answer.status, path).toBe(200);
			return answer;
		};
		const login = await ask('/auth/login', {
			method: 'POST',
			headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify({ email: 'candidate@demo.bedside', password: 'bedside-demo' })
		});
		const { access_token } = (await login.json()) as Schemas['Grant'];
		const headers = { Authorization: `Bearer ${access_token}` };
		const get = (path: string) => ask(path, { headers });
		const attempt = (await (
			await get(`/api/attempts/${id}`)
		).json()) as Schemas['AttemptDetail'];
		const report = (await (
			await get(`/api/attempts/${id}/report`)
		).json()) as Schemas['Report'];

		mkdirSync(TO, { recursive: true });
		for (const speaker of SPEAKERS) {
			const audio = await get(`/api/attempts/${id}/audio/${speaker}`);
			writeFileSync(`${TO}${speaker}.ogg`, Buffer.from(await audio.arrayBuffer()));
		}
		writeFileSync(`${TO}sample.json`, JSON.stringify({ attempt, report: thin(report) }));
		for (const name of ['candidate.ogg', 'patient.ogg', 'sample.json'])
			expect(readFileSync(TO + name).length, name).toBeLessThan(MOST_BYTES);
	} finally {
		await server.close();
		rmSync(dir, { recursive: true, force: true });
	}
});
