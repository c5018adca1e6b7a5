import type { Candidate, Sent } from '$lib/gen/protocol';
import { withOpusNack } from './sdp';

/** The fields of RTCOutboundRtpStreamStats that are read; TypeScript lacks one. */
interface OutboundStats {
	type: string;
	kind: string;
	ssrc: number;
	packetsSent?: number;
	retransmittedPacketsSent?: number;
}

export interface LinkHandlers {
	candidate(candidate: Candidate): void;
	/** Called when the state of the media path changes. */
	state(state: RTCPeerConnectionState): void;
	/** Called for each voice that arrives. The id of its stream is the participant's. */
	track(participantId: string, track: MediaStreamTrack): void;
	/** Called when the browser refuses an offer or an answer, which ends the call. */
	failed(error: unknown): void;
}

/**
 * Wraps one RTCPeerConnection. The page offers once, with its join; from then on only the server
 * offers. Each step waits for the one before, so that each answer belongs to its offer.
 */
export class PeerLink {
	#pc: RTCPeerConnection;
	#handlers: LinkHandlers;
	#steps: Promise<void> = Promise.resolve();
	#sender: RTCRtpSender | undefined;
	#closed = false;

	constructor(
		iceServers: RTCIceServer[],
		handlers: LinkHandlers,
		PeerConnectionClass: typeof RTCPeerConnection
	) {
		this.#handlers = handlers;
		this.#pc = new PeerConnectionClass({ iceServers, bundlePolicy: 'max-bundle' });
		this.#pc.onicecandidate = ({ candidate }) => {
			if (!candidate?.candidate || this.#closed) return;
			handlers.candidate({
				type: 'candidate',
				candidate: candidate.candidate,
				...(candidate.sdpMid !== null && { sdp_mid: candidate.sdpMid }),
				...(candidate.sdpMLineIndex !== null && {
					sdp_m_line_index: candidate.sdpMLineIndex
				})
			});
		};
		this.#pc.onconnectionstatechange = () => {
			if (!this.#closed) handlers.state(this.#pc.connectionState);
		};
		this.#pc.ontrack = ({ track, streams }) => {
			if (!this.#closed && streams[0]) handlers.track(streams[0].id, track);
		};
	}

	get state(): RTCPeerConnectionState {
		return this.#pc.connectionState;
	}

	/** Returns the offer for the join. Without a stream the page only listens. */
	async offer(stream: MediaStream | null): Promise<string> {
		const track = stream?.getAudioTracks()[0];
		if (stream && track) {
			this.#sender = this.#pc.addTransceiver(track, {
				direction: 'sendonly',
				streams: [stream]
			}).sender;
		} else {
			this.#pc.addTransceiver('audio', { direction: 'recvonly' });
		}
		await this.#describe(await this.#pc.createOffer());
		const sdp = this.#pc.localDescription?.sdp;
		if (!sdp) throw new Error('the browser made no offer');
		return sdp;
	}

	/** Sets the server's answer to the join. */
	acceptAnswer(sdp: string): void {
		this.#step(() => this.#pc.setRemoteDescription({ type: 'answer', sdp }));
	}

	/** Answers an offer from the server; `reply` is called with the answer. */
	answerOffer(sdp: string, reply: (sdp: string) => void): void {
		this.#step(async () => {
			await this.#pc.setRemoteDescription({ type: 'offer', sdp });
			await this.#describe(await this.#pc.createAnswer());
			const answer = this.#pc.localDescription?.sdp;
			if (!answer) throw new Error('the browser made no answer');
			if (!this.#closed) reply(answer);
		});
	}

	/** Sends another microphone from now on, without a new offer. */
	async replace(track: MediaStreamTrack): Promise<void> {
		await this.#sender?.replaceTrack(track);
	}

	/** Stops sending, so that a count is final. */
	async stopSending(): Promise<void> {
		await this.#sender?.replaceTrack(null);
	}

	/** Counts what was sent on each RTP stream, without retransmissions. */
	async sent(): Promise<Sent[]> {
		const counts: Sent[] = [];
		for (const s of (await this.#pc.getStats()).values() as Iterable<OutboundStats>)
			if (s.type === 'outbound-rtp' && s.kind === 'audio' && s.packetsSent)
				counts.push({
					type: 'sent',
					ssrc: s.ssrc,
					packets: s.packetsSent - (s.retransmittedPacketsSent ?? 0)
				});
		return counts;
	}

	stats(): Promise<RTCStatsReport> {
		return this.#pc.getStats();
	}

	close(): void {
		this.#closed = true;
		this.#pc.close();
	}

	async #describe({ type, sdp = '' }: RTCSessionDescriptionInit): Promise<void> {
		await this.#pc.setLocalDescription({ type, sdp: withOpusNack(sdp) });
	}

	#step(run: () => Promise<unknown>): void {
		this.#steps = this.#steps.then(async () => {
			if (this.#closed) return;
			try {
				await run();
			} catch (error) {
				if (!this.#closed) this.#handlers.failed(error);
			}
		});
	}
}
