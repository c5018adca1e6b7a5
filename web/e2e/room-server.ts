/**
 * Runs in the page before its scripts. It replaces the WebSocket of a room by a fake server, with
 * a real RTCPeerConnection that answers the page's offer and sends a tone. Tests control it
 * through window.room.
 */
export function roomServer(): void {
	interface Message {
		type: string;
		[key: string]: unknown;
	}
	const Native = window.RTCPeerConnection;
	let socket: Fake | undefined;
	let phase: object = { name: 'preparing', remaining_ms: 171_000, running: true };
	let peers: object[] = [];
	const received: Message[] = [];

	class Fake extends EventTarget {
		static readonly OPEN = 1;
		readyState = 0;
		onopen: (() => void) | null = null;
		onmessage: ((event: { data: string }) => void) | null = null;
		onclose: ((event: { code: number; reason: string }) => void) | null = null;
		peer: RTCPeerConnection | undefined;

		constructor(readonly url: string) {
			super();
			// eslint-disable-next-line @typescript-eslint/no-this-alias
			socket = this;
			setTimeout(() => {
				this.readyState = 1;
				this.onopen?.();
			});
		}

		send(text: string): void {
			const message = JSON.parse(text) as Message;
			received.push(message);
			void this.answer(message);
		}

		close(): void {
			this.readyState = 3;
			this.peer?.close();
		}

		say(message: Message): void {
			this.onmessage?.({ data: JSON.stringify(message) });
		}

		async answer(message: Message): Promise<void> {
			if (message.type === 'join') {
				const peer = (this.peer = new Native());
				await peer.setRemoteDescription({ type: 'offer', sdp: message.offer as string });
				await peer.setLocalDescription(await peer.createAnswer());
				await gathered(peer);
				this.say({
					type: 'joined',
					participant_id: 'me',
					room_id: 'a1',
					role: new URL(location.href).searchParams.get('as') ?? 'candidate',
					answer: peer.localDescription?.sdp,
					resume_token: 'token',
					grace_ms: 20_000,
					phase,
					peers
				});
			} else if (message.type === 'candidate') {
				await this.peer?.addIceCandidate({
					candidate: message.candidate as string,
					sdpMid: message.sdp_mid as string
				});
			} else if (message.type === 'answer') {
				await this.peer?.setRemoteDescription({
					type: 'answer',
					sdp: message.sdp as string
				});
			} else if (message.type === 'start') {
				control.phase({ name: 'playing', remaining_ms: 300_000, running: true });
			} else if (message.type === 'finish') {
				control.phase({
					name: 'ended',
					remaining_ms: 0,
					running: false,
					reason: 'finished'
				});
			} else if (message.type === 'ping') {
				this.say({ type: 'pong', id: message.id });
			}
		}
	}

	async function gathered(peer: RTCPeerConnection): Promise<void> {
		while (peer.iceGatheringState !== 'complete')
			await new Promise((done) =>
				peer.addEventListener('icegatheringstatechange', done, { once: true })
			);
	}

	const control = {
		received,
		say: (message: Message) => socket?.say(message),
		phase(next: object) {
			phase = next;
			socket?.say({ type: 'phase', phase });
		},
		/** Lets a person join, with a tone as the voice. */
		async join(peer: { participant_id: string }) {
			peers = [...peers, peer];
			socket?.say({ type: 'peer_joined', peer });
			const link = socket?.peer;
			if (!link) return;
			const context = new AudioContext();
			const tone = context.createOscillator();
			const out = context.createMediaStreamDestination();
			tone.connect(out);
			tone.start();
			const track = out.stream.getAudioTracks()[0] as MediaStreamTrack;
			// The id of the stream is the participant's id.
			link.addTransceiver(track, { direction: 'sendonly' });
			await link.setLocalDescription(await link.createOffer());
			await gathered(link);
			const sdp = link.localDescription?.sdp.replaceAll(
				/a=msid:\S+/g,
				`a=msid:${peer.participant_id}`
			);
			socket?.say({ type: 'offer', offer_id: 1, sdp });
		},
		drop() {
			const lost = socket;
			if (lost) {
				lost.readyState = 3;
				lost.onclose?.({ code: 1006, reason: '' });
			}
		}
	};
	const Real = window.WebSocket;
	window.WebSocket = new Proxy(Real, {
		construct: (_target, [url]: [string]) =>
			new URL(url).pathname === '/ws' ? new Fake(url) : new Real(url)
	});
	(window as unknown as { room: typeof control }).room = control;
}
