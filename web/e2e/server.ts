import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { components } from '../src/lib/gen/api.ts';

const BEDSIDE = process.env.BEDSIDE_BIN ?? new URL('../../bin/bedside', import.meta.url).pathname;

const LETTER_MS = 60_000;

/** A real server on a data folder of its own, in a process that can be killed and started again on the same address. */
export class Server {
	url = '';
	private process: ChildProcess | undefined;
	private log: string[] = [];
	private readonly data = mkdtempSync(join(tmpdir(), 'bedside-data-'));

	/** Starts it and waits until it listens. */
	async start(): Promise<void> {
		const listen = this.url
			? new URL(this.url).host.replace('localhost', '127.0.0.1')
			: '127.0.0.1:0';
		const child = spawn(
			BEDSIDE,
			['serve', '--data', this.data, '--listen', listen, '--with-stdin'],
			{ stdio: ['pipe', 'pipe', 'pipe'] }
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

	/** Waits for a letter to an address, and gives the link in it that leads to a page. */
	async letter(to: string, page: string): Promise<string> {
		for (
			const until = Date.now() + LETTER_MS;
			Date.now() < until;
			await new Promise((again) => setTimeout(again, 250))
		) {
			const answer = await fetch(`${this.url}/dev/outbox`, {
				headers: { Accept: 'application/json' }
			});
			const { items } = (await answer.json()) as {
				items: { to: string; links: string[] }[];
			}; // the newest first
			const link = items
				.filter((letter) => letter.to === to)
				.flatMap((letter) => letter.links)
				.find((l) => new URL(l).pathname === page);
			if (link) return link;
		}
		throw new Error(`no letter with a link to ${page} was sent to ${to}`);
	}

	/** Ends it as a power cut would. */
	async kill(): Promise<void> {
		await this.end((child) => child.kill('SIGKILL'));
	}

	/** Ends it as Ctrl-C would, and forgets what it kept. */
	async close(): Promise<void> {
		await this.end((child) => child.kill('SIGINT'));
		rmSync(this.data, { recursive: true, force: true });
	}

	/** What it has printed. */
	get said(): string {
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

/** A tutor without a browser, who speaks a file as the patient once the play begins. */
export class Partner {
	private readonly lines: string[] = [];
	private readonly ended: Promise<number>;
	private readonly waiting = new Set<() => void>();

	constructor(url: string, attempt: string, audio: string) {
		const child = spawn(
			BEDSIDE,
			['partner', '--url', url, '--attempt', attempt, '--audio', audio],
			{ stdio: ['ignore', 'pipe', 'pipe'] }
		);
		for (const stream of [child.stdout, child.stderr]) {
			createInterface({ input: stream }).on('line', (line) => {
				this.lines.push(line);
				this.waiting.forEach((look) => look());
			});
		}
		this.ended = new Promise((resolve) => child.once('close', (code) => resolve(code ?? -1)));
	}

	/** Waits for a line that holds a text. */
	async says(text: string): Promise<void> {
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
					`the partner ended with ${code} and never said "${text}":\n${this.lines.join('\n')}`
				);
		});
		await Promise.race([said, over]);
	}

	/** Waits for the end and gives what was said. */
	async done(): Promise<string> {
		const code = await this.ended;
		const said = this.lines.join('\n');
		if (code !== 0) throw new Error(`the partner ended with ${code}:\n${said}`);
		return said;
	}
}

/** What the same analysis finds in a file. */
export async function measure(file: string): Promise<components['schemas']['Measures']> {
	const { stdout } = await promisify(execFile)(BEDSIDE, ['analyze', '--json', file], {
		maxBuffer: 1 << 26
	});
	return (JSON.parse(stdout) as components['schemas']['Analysis']).measures;
}
