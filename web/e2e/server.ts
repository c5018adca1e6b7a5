import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { components } from '../src/lib/gen/api.ts';

export const BEDSIDE =
	process.env.BEDSIDE_BIN ?? new URL('../../bin/bedside', import.meta.url).pathname;

const MAIL_TIMEOUT_MS = 60_000;

/**
 * A real server with its own data folder, which can be killed and started again at the same
 * address.
 */
export class Server {
	url = '';
	private process: ChildProcess | undefined;
	private log: string[] = [];
	private readonly data = mkdtempSync(join(tmpdir(), 'bedside-data-'));

	/** Starts the server and waits until it listens. */
	async start(): Promise<void> {
		const listen = this.url
			? new URL(this.url).host.replace('localhost', '127.0.0.1')
			: '127.0.0.1:0';
		const child = spawn(
			BEDSIDE,
			['serve', '--data', this.data, '--listen', listen, '--with-stdin'],
			{
				stdio: ['pipe', 'pipe', 'pipe'],
				// A test that ends does not wait for its role plays.
				env: { ...process.env, BEDSIDE_MEDIA_DRAIN: '0s' }
			}
		);
		this.process = child;
		const url = await new Promise<string>((resolve, reject) => {
			child.once('error', (error) =>
				reject(new Error(`${BEDSIDE}: ${error.message}; run make build`))
			);
			child.once('exit', (code) =>
				reject(new Error(`the server ended with ${code}:\n${this.log.join('\n')}`))
			);
			for (const stream of [child.stdout, child.stderr]) {
				createInterface({ input: stream }).on('line', (line) => {
					this.log.push(line);
					const found = /listening on (\S+)/.exec(line)?.[1];
					if (found) resolve(found);
				});
			}
		});
		this.url = url;
	}

	/** Waits for a mail to an address, and returns its link to a page. */
	async mailedLink(to: string, page: string): Promise<string> {
		for (
			const until = Date.now() + MAIL_TIMEOUT_MS;
			Date.now() < until;
			await new Promise((again) => setTimeout(again, 250))
		) {
			const answer = await fetch(`${this.url}/dev/outbox`, {
				headers: { Accept: 'application/json' }
			});
			const { items } = (await answer.json()) as {
				items: { to: string; links: string[] }[];
			}; // newest first
			const link = items
				.filter((mail) => mail.to === to)
				.flatMap((mail) => mail.links)
				.find((l) => new URL(l).pathname === page);
			if (link) return link;
		}
		throw new Error(`no mail with a link to ${page} was sent to ${to}`);
	}

	/** Kills the server, like a power cut. */
	async kill(): Promise<void> {
		await this.end((child) => child.kill('SIGKILL'));
	}

	/** Stops the server, which leaves its role plays to the next start. */
	async stop(): Promise<void> {
		await this.end((child) => child.kill('SIGTERM'));
	}

	/** Stops the server, like Ctrl-C, and removes its data. */
	async close(): Promise<void> {
		await this.end((child) => child.kill('SIGINT'));
		rmSync(this.data, { recursive: true, force: true });
	}

	/** Everything that the server has printed. */
	get output(): string {
		return this.log.join('\n');
	}

	private async end(how: (child: ChildProcess) => void): Promise<void> {
		const child = this.process;
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		const gone = once(child, 'exit');
		how(child);
		await gone;
	}
}

/** A tutor without a browser, who plays the patient with a sound file. */
export class Partner {
	private readonly lines: string[] = [];
	private readonly ended: Promise<number>;
	private readonly waiting = new Set<() => void>();
	private readonly child: ChildProcess;

	constructor(url: string, attempt: string, audio: string) {
		const child = (this.child = spawn(
			BEDSIDE,
			['partner', '--url', url, '--attempt', attempt, '--audio', audio],
			{ stdio: ['ignore', 'pipe', 'pipe'] }
		));
		for (const stream of [child.stdout, child.stderr]) {
			if (!stream) continue;
			createInterface({ input: stream }).on('line', (line) => {
				this.lines.push(line);
				this.waiting.forEach((look) => look());
			});
		}
		this.ended = new Promise((resolve) => child.once('close', (code) => resolve(code ?? -1)));
	}

	/** Waits for a printed line that contains a text. */
	async printed(text: string): Promise<void> {
		const said = new Promise<void>((resolve) => {
			const look = () => {
				if (this.lines.some((line) => line.includes(text))) resolve();
			};
			this.waiting.add(look);
			look();
		});
		const over = this.ended.then((code) => {
			if (!this.lines.some((line) => line.includes(text)))
				throw new Error(
					`the partner ended with ${code} and never printed "${text}":\n${this.lines.join('\n')}`
				);
		});
		await Promise.race([said, over]);
	}

	/** Leaves the room in the middle. */
	async leave(): Promise<void> {
		this.child.kill('SIGINT');
		await this.ended;
	}

	/** Waits for the end and returns everything that was printed. */
	async finished(): Promise<string> {
		const code = await this.ended;
		const said = this.lines.join('\n');
		if (code !== 0) throw new Error(`the partner ended with ${code}:\n${said}`);
		return said;
	}
}

/** Returns what the same analysis measures in a file. */
export async function measure(file: string): Promise<components['schemas']['Measures']> {
	const { stdout } = await promisify(execFile)(BEDSIDE, ['analyze', '--json', file], {
		maxBuffer: 1 << 26
	});
	return (JSON.parse(stdout) as components['schemas']['Analysis']).measures;
}
