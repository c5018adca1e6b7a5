import type { ClientMessage, ServerMessage } from '$lib/gen/protocol';

const OPEN_WITHIN_MS = 5_000;
// A dead connection is noticed within three seconds.
const PING_EVERY_MS = 1_000;
const PONG_WITHIN_MS = 2_000;
/** The first of the 100 close codes after which reconnecting is pointless. */
const FATAL_CODE = 4000;

export interface SocketHandlers {
	open(): void;
	message(message: ServerMessage): void;
	/**
	 * Called once when the socket is lost, but not after close(). `fatal`: reconnecting is
	 * pointless.
	 */
	lost(fatal: boolean, reason: string): void;
}

/**
 * A WebSocket that speaks the protocol and detects a server that stopped answering. It is used
 * once: a new connection is a new Socket.
 */
export class Socket {
	#ws: WebSocket;
	#handlers: SocketHandlers;
	#pinging: ReturnType<typeof setTimeout> | undefined;
	#waiting: ReturnType<typeof setTimeout> | undefined;
	#pings = 0;
	#done = false;

	constructor(url: string, handlers: SocketHandlers, WebSocketClass: typeof WebSocket) {
		this.#handlers = handlers;
		this.#ws = new WebSocketClass(url);
		this.#ws.onopen = () => {
			if (this.#done) return;
			clearTimeout(this.#waiting);
			this.#waiting = undefined;
			this.#schedulePing();
			handlers.open();
		};
		this.#ws.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data);
		this.#ws.onclose = (event) =>
			this.#end(event.code >= FATAL_CODE && event.code < FATAL_CODE + 100, event.reason);
		this.#waitFor('the server did not answer', OPEN_WITHIN_MS);
	}

	send(message: ClientMessage): boolean {
		if (this.#done || this.#ws.readyState !== 1) return false;
		this.#ws.send(JSON.stringify(message));
		return true;
	}

	/** Closes the socket; no handler is called afterwards. */
	close(): void {
		this.#stop();
		this.#ws.close(1000);
	}

	#receive(data: unknown): void {
		if (this.#done) return;
		clearTimeout(this.#waiting);
		this.#waiting = undefined;
		const message = parse(data);
		if (message) this.#handlers.message(message);
	}

	#schedulePing(): void {
		this.#pinging = setTimeout(() => {
			this.#waitFor('the server stopped answering', PONG_WITHIN_MS);
			this.send({ type: 'ping', id: ++this.#pings });
			this.#schedulePing();
		}, PING_EVERY_MS);
	}

	/** Gives the socket up unless something arrives in time. */
	#waitFor(otherwise: string, ms: number): void {
		this.#waiting ??= setTimeout(() => {
			this.#end(false, otherwise);
			this.#ws.close();
		}, ms);
	}

	#end(fatal: boolean, reason: string): void {
		if (this.#done) return;
		this.#stop();
		this.#handlers.lost(fatal, reason);
	}

	#stop(): void {
		this.#done = true;
		clearTimeout(this.#pinging);
		clearTimeout(this.#waiting);
	}
}

/** Returns undefined for anything that is not a message. The owner ignores unknown types. */
function parse(data: unknown): ServerMessage | undefined {
	if (typeof data !== 'string') return undefined;
	try {
		const value: unknown = JSON.parse(data);
		if (
			typeof value === 'object' &&
			value !== null &&
			'type' in value &&
			typeof value.type === 'string'
		)
			return value as ServerMessage;
	} catch {
		return undefined;
	}
	return undefined;
}
