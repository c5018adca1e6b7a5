import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { components } from '../src/lib/gen/api.ts';
import * as fixtures from './fixtures.ts';
import * as accounts from './mock-accounts.ts';
import * as media from './mock-media.ts';
import * as practice from './mock-practice.ts';

type User = components['schemas']['User'];
type AttemptState = components['schemas']['Attempt']['state'];

export const BUILD = new URL('../build/', import.meta.url).pathname;
const TYPES: Record<string, string> = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript',
	'.css': 'text/css',
	'.json': 'application/json',
	'.svg': 'image/svg+xml',
	'.png': 'image/png',
	'.webmanifest': 'application/manifest+json',
	'.woff2': 'font/woff2',
	'.ogg': 'audio/ogg'
};

/** Requests that are answered by mail. */
const MAILS = ['/auth/register', '/auth/forgot-password', '/auth/resend-verification'];

export type First = (
	method: string,
	path: string,
	request: { search: string; body: string; ifMatch: string }
) => { status: number; body?: object; text?: string } | undefined;

export interface Mock {
	url: string;
	/** Who is signed in; null for nobody. */
	user: User | null;
	/** The state of all attempts. */
	state: AttemptState;
	/** Answers that replace the usual ones, by method and path. */
	answers: Map<string, { status: number; body?: object } | 'never'>;
	/** Answers of one file's tests, which come before the invented data. */
	first?: First | undefined;
	/** The last body or query of each request, by method and path. */
	sent: Map<string, unknown>;
	/** The recordings. */
	audio: Buffer;
	/** Files of another build, by path; undefined for one that it does not have. */
	files: Map<string, string | undefined>;
	/** Stops listening, as if the network were gone, and listens again at the same address. */
	pause(): Promise<void>;
	resume(): Promise<void>;
	close(): Promise<void>;
}

/** Reports whether a request has a form with a file. */
const isForm = (req: IncomingMessage) =>
	req.headers['content-type']?.startsWith('multipart/form-data');

/** Serves the built pages and invented data, for states that a real server rarely shows. */
export async function mock(): Promise<Mock> {
	const index = await readFile(join(BUILD, 'index.html'), 'utf8');
	const policy = (
		/content-security-policy" content="([^"]+)"/.exec(index)?.[1] ?? ''
	).replaceAll('&#39;', "'");
	const it: Mock = {
		url: '',
		user: null,
		state: 'reported',
		answers: new Map(),
		sent: new Map(),
		audio: Buffer.alloc(0),
		files: new Map(),
		pause: async () => undefined,
		resume: async () => undefined,
		close: async () => undefined
	};

	const send = (res: ServerResponse, status: number, body?: object) =>
		body === undefined
			? void res.writeHead(status).end()
			: void res
					.writeHead(status, {
						'Content-Type':
							status < 400 ? 'application/json' : 'application/problem+json'
					})
					.end(JSON.stringify(body));
	const refuse = (res: ServerResponse, status: number, detail: string) =>
		send(res, status, { status, detail });

	/** Serves a file in its compressed form if there is one, as the server does. */
	async function file(path: string, res: ServerResponse): Promise<void> {
		const name = extname(path) === '' ? 'index.html' : path;
		try {
			const other = it.files.get(name === 'index.html' ? '/index.html' : path);
			if (other === undefined && it.files.has(path)) throw new Error('not in this build');
			const packed = other
				? undefined
				: await readFile(join(BUILD, `${name}.br`)).catch(() => undefined);
			const body = other ?? packed ?? (await readFile(join(BUILD, name)));
			res.writeHead(200, {
				'Content-Type': TYPES[extname(name)] ?? TYPES['.html'],
				'Content-Security-Policy': policy,
				...(packed && { 'Content-Encoding': 'br' })
			}).end(body);
		} catch {
			res.writeHead(404).end();
		}
	}

	/** Sends a recording, or the range of it that an audio element asks for. */
	function range(res: ServerResponse, all: Buffer, asked = ''): void {
		const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(asked) ?? [];
		const from = Number(first);
		const to = last ? Number(last) : all.length - 1;
		res.writeHead(asked ? 206 : 200, {
			'Content-Type': 'audio/wav',
			'Accept-Ranges': 'bytes',
			'Content-Length': to - from + 1,
			...(asked && { 'Content-Range': `bytes ${from}-${to}/${all.length}` })
		}).end(all.subarray(from, to + 1));
	}

	function api(method: string, path: string, res: ServerResponse): void {
		const [, , kind, id = '', what = ''] = path.split('/');
		const isTutor = it.user?.role === 'tutor';
		const detail = (state: AttemptState) => ({
			...fixtures.attempt(id, state, isTutor ? { part: 'patient' } : {}),
			scenario: fixtures.scenario('insulin', isTutor || state === 'reported')
		});
		if (kind === 'patient')
			return send(res, 200, {
				available: true,
				free: 2,
				waiting: 0,
				recogniser: 'pocketsphinx',
				why: ''
			});
		if (kind === 'rooms') return send(res, 200, { items: fixtures.rooms });
		if (kind === 'exams' && !id) return send(res, 200, { items: [] });
		if (kind !== 'attempts') return refuse(res, 404, 'There is no such thing.');
		if (method === 'DELETE') return void res.writeHead(204).end();
		if (!id && method === 'POST') return send(res, 201, detail('created'));
		if (!id) {
			const states: AttemptState[] = [
				'reported',
				'preparing',
				'failed',
				'reported',
				'abandoned'
			];
			return send(res, 200, {
				items: states.map((s, i) => fixtures.attempt(`a${i}`, s)),
				next: 'a4'
			});
		}
		if (what === 'ticket')
			return send(res, 201, {
				url: '/ws',
				ticket: 'ticket',
				role: 'candidate',
				ice_servers: [],
				expires_at: ''
			});
		if (what === 'report') return send(res, 200, fixtures.report(id));
		if (what === 'audio') {
			const speaker = path.split('/').at(-2);
			return send(res, 200, { url: `/api/recordings/${id}/${speaker}?signature=x` });
		}
		send(res, 200, {
			...detail(it.state),
			...(it.state === 'failed' && { problem: 'No sound reached the server.' })
		});
	}

	async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
		const url = new URL(req.url ?? '/', 'http://mock');
		const { pathname: path, search, searchParams } = url;
		let body = '';
		for await (const part of req) body += String(part);
		const plain = isForm(req) || req.headers['content-type'] === 'application/yaml';
		const sent = plain || !body ? body || search : JSON.parse(body);
		it.sent.set(`${req.method} ${path}`, sent);
		const answer = it.answers.get(`${req.method} ${path}`);
		if (answer === 'never') return;
		if (answer) return send(res, answer.status, answer.body);
		if (path === '/auth/logout') {
			it.user = null;
			return void res.writeHead(204).end();
		}
		if (path === '/auth/registration') return send(res, 200, { registration: 'open' });
		if (MAILS.includes(path)) return send(res, 202, { email: '', status: 'check_mail' });
		if (path === '/auth/verify-email')
			return send(res, 200, { email: fixtures.candidate.email, status: 'verified' });
		if (path === '/auth/reset-password' || path === '/auth/reauthenticate')
			return void res.writeHead(204).end();
		if (path.startsWith('/auth/')) {
			if (path !== '/auth/refresh') it.user ??= fixtures.candidate;
			if (!it.user) return send(res, 204);
			return send(res, 200, {
				access_token: 'token',
				token_type: 'Bearer',
				expires_in: 600,
				user: it.user
			});
		}
		const first = it.first?.(req.method ?? 'GET', path, {
			search,
			body,
			ifMatch: String(req.headers['if-match'] ?? '')
		});
		if (first?.text !== undefined) return void res.writeHead(first.status).end(first.text);
		if (first) return send(res, first.status, first.body);
		const about = accounts.answer(req.method ?? 'GET', path, it.user);
		if (about) return send(res, about.status, about.body);
		const medium = media.answer(req.method ?? 'GET', path, searchParams, it.audio);
		if (medium?.file)
			return void res
				.writeHead(200, { 'Content-Type': medium.file.type })
				.end(medium.file.bytes);
		if (medium) return send(res, medium.status, medium.body);
		if (path.endsWith('/picture'))
			return void res
				.writeHead(200, { 'Content-Type': 'image/svg+xml' })
				.end(practice.picture);
		const practised = practice.answer(
			req.method ?? 'GET',
			url,
			it.user?.role,
			it.sent.get(`${req.method} ${path}`)
		);
		if (practised) return send(res, practised.status, practised.body);
		if (path.startsWith('/api/recordings/')) return range(res, it.audio, req.headers.range);
		if (path.startsWith('/api/')) return api(req.method ?? 'GET', path, res);
		void file(path, res);
	}

	const server = createServer((req, res) => void handle(req, res));
	const listen = (port: number) =>
		new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
	await listen(0);
	const { port } = server.address() as AddressInfo;
	it.url = `http://localhost:${port}`;
	it.resume = () => listen(port);
	it.pause = it.close = () =>
		new Promise((done) => {
			server.closeAllConnections();
			server.close(() => done());
		});
	return it;
}
