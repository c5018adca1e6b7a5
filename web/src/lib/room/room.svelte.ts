import type { ErrorCode, Peer, Phase, Role } from '$lib/gen/protocol';
import { Automatic } from './automatic.svelte';
import { BrowserEar } from './browser-ear';
import { RoomClient, type Connection, type Ticket } from './client';
import { PhaseClock } from './clock';
import { MutedTalkDetector, SILENCE_DB, type Level } from './level';
import { LevelMeter } from './meter';
import { thisDevice } from './device';
import { MicrophoneError, openMicrophone } from './microphone';
import { remedy, type Remedy } from './remedies';
import { SilenceWatch } from './silence';
import { judge, sampleOf, type Quality, type QualitySample } from './quality';
import { SentCounts } from './sent';
import { sound } from './sound.svelte';

export interface Voice {
	participantId: string;
	track: MediaStreamTrack;
}

const TICK_MS = 200;
const QUALITY_MS = 3_000;

/** The state of a room and the actions in it, for its page. The page calls leave() at its end. */
export class Room {
	connection = $state<Connection>('connecting');
	role = $state<Role>('candidate');
	phase = $state.raw<Phase | undefined>();
	remainingS = $state(0);
	/** When a play ends by itself whose clock stands because somebody is away, in seconds. */
	endsInS = $state(0);
	peers = $state.raw<Peer[]>([]);
	/** The levels of the people who speak now, by participant. */
	speaking = $state.raw<ReadonlyMap<string, number>>(new Map());
	voices = $state.raw<Voice[]>([]);
	me = $state('');
	muted = $state(false);
	talkingMuted = $state(false);
	level = $state.raw<Level>({ rms: SILENCE_DB, peak: SILENCE_DB });
	quality = $state<Quality>('unknown');
	report = $state.raw<{ status: 'ready' | 'failed'; problem: string } | undefined>();
	/** No server takes the room yet. */
	unplaced = $state(false);
	/** Why the server refused an action. */
	problem = $state('');
	closed = $state.raw<{ reason: string; error: boolean; code?: ErrorCode } | undefined>();
	/** The clock of the preparation does not stop: the role play is of a mock exam. */
	strict = false;
	/** How long the play is, in seconds. */
	playS = 0;
	/** Why there is no microphone, and what to do. */
	microphone = $state.raw<Remedy | undefined>();
	/** Nothing was heard of the candidate since the play began. */
	silent = $state(false);
	readonly automatic = new Automatic(() => this.#client);

	#ticket: () => Promise<Ticket>;
	#sent: SentCounts;
	#client: RoomClient | undefined;
	#clock = new PhaseClock();
	#patience = new PhaseClock();
	#stream: MediaStream | undefined;
	#copy: MediaStream | undefined;
	#meter: LevelMeter | undefined;
	#talk = new MutedTalkDetector();
	#silence = new SilenceWatch();
	#timers: ReturnType<typeof setInterval>[] = [];
	#sample: QualitySample | undefined;
	#left = false;
	/** Tells the automatic patient what the browser hears, if the reader agreed to that. */
	#ear = new BrowserEar(
		() => Math.round(performance.now() - this.#playedFrom),
		(words, final) => this.#client?.heard(words, final)
	);
	#playedFrom = 0;
	#mutedBefore = false;

	constructor(role: Role, attempt: string, ticket: () => Promise<Ticket>) {
		this.role = role;
		this.#ticket = ticket;
		this.#sent = new SentCounts(attempt, tabStorage());
	}

	/** The server has ended the role play. */
	get ended(): boolean {
		return this.phase?.name === 'ended';
	}

	/** The server is about to stop; another one, or the same after its restart, continues. */
	get moving(): boolean {
		return this.phase?.reason === 'moving';
	}

	get patient(): Peer | undefined {
		return this.peers.find((p) => p.role === 'patient');
	}

	/** Opens the microphone and joins. */
	async enter(): Promise<void> {
		this.closed = undefined;
		this.unplaced = false;
		if (this.role !== 'observer' && !(await this.#openMicrophone())) return;
		if (this.#left) return this.#release();
		const client = new RoomClient({
			ticket: this.#ticket,
			stream: this.#stream ?? null,
			sent: this.#sent
		});
		this.#client = client;
		client.on('connection', (c) => this.#connected(c));
		client.on('joined', ({ participantId, role }) => {
			this.me = participantId;
			this.role = role;
			this.voices = [];
		});
		client.on('phase', (phase) => this.#phase(phase));
		client.on('peers', (peers) => (this.peers = peers));
		client.on(
			'speaking',
			(speakers) =>
				(this.speaking = new Map(speakers.map((s) => [s.participant_id, s.level])))
		);
		client.on('track', (voice) => this.#hear(voice));
		client.on('patient', (patient) => {
			this.automatic.update(patient);
			this.#listen();
		});
		client.on('caption', (caption) => this.automatic.caption(caption));
		client.on('hint', (hint) => (this.automatic.hint = hint));
		client.on('report', (report) => (this.report = report));
		client.on('problem', (problem) => (this.problem = problem));
		client.on('unplaced', (unplaced) => (this.unplaced = unplaced));
		client.on('closed', (closed) => this.#close(closed));
		this.#timers = [
			setInterval(() => this.#tick(), TICK_MS),
			setInterval(() => void this.#judge(), QUALITY_MS)
		];
		document.addEventListener('visibilitychange', this.#visibility);
		addEventListener('beforeunload', this.#going);
		addEventListener('pagehide', this.#gone);
		this.#visibility();
		await client.connect();
	}

	/** Opens the microphone again after it was lost; the call goes on. */
	async reopen(): Promise<void> {
		if ((await this.#openMicrophone()) && this.#stream) {
			if (this.#client) await this.#client.replace(this.#stream);
			else await this.enter();
		}
	}

	toggleMute(): void {
		this.#mute(!this.muted);
	}

	/** Speaks to the automatic patient while the button to talk is held down, also when muted. */
	talk(on: boolean): void {
		if (on === this.automatic.talking) return;
		if (on) this.#mutedBefore = this.muted;
		this.#mute(!on && this.#mutedBefore);
		this.automatic.talk(on);
	}

	#mute(muted: boolean): void {
		if (muted === this.muted) return;
		this.muted = muted;
		this.talkingMuted = false;
		this.#talk.reset();
		this.#applyMute();
		this.#listen();
		this.#client?.mute(this.muted);
	}

	start(): void {
		this.problem = '';
		this.#client?.start();
	}

	finish(): void {
		this.problem = '';
		void this.#client?.finish();
	}

	/** Reconnects now: the browser says that the network is back. */
	reconnectNow(): void {
		this.#client?.reconnectNow();
	}

	/** Leaves the room and closes the microphone. */
	leave(): void {
		this.#left = true;
		this.#client?.close();
		this.#release();
	}

	async #openMicrophone(): Promise<boolean> {
		this.#closeMicrophone();
		this.microphone = undefined;
		this.#silence.reset();
		try {
			this.#stream = await openMicrophone(sound.input, $state.snapshot(sound.choices));
		} catch (error) {
			this.microphone =
				error instanceof MicrophoneError
					? remedy(error.problem, location.origin, thisDevice())
					: remedy('unknown', location.origin, thisDevice());
			return false;
		}
		const track = this.#stream.getAudioTracks()[0];
		track?.addEventListener('ended', () => {
			const { steps } = remedy('missing', location.origin, thisDevice());
			this.microphone = { title: 'The microphone has stopped', steps };
		});
		this.#applyMute();
		// The meter measures a copy: muting silences the sent track, and speech while muted is
		// detected too.
		this.#copy = new MediaStream(this.#stream.getAudioTracks().map((t) => t.clone()));
		this.#meter = new LevelMeter(this.#copy, (level, at) => {
			this.level = level;
			this.talkingMuted = this.muted && this.#talk.add(level, at);
			this.silent = this.#silence.add(level, at, this.#expected());
		});
		return true;
	}

	/** The candidate is expected to speak: the play's clock runs, and nothing is muted. */
	#expected(): boolean {
		const playing = this.phase?.name === 'playing' && this.phase.running;
		return this.role === 'candidate' && playing && !this.muted;
	}

	#applyMute(): void {
		for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = !this.muted;
	}

	#closeMicrophone(): void {
		this.#meter?.close();
		this.silent = false;
		for (const stream of [this.#stream, this.#copy])
			for (const track of stream?.getTracks() ?? []) track.stop();
		this.#stream = this.#copy = this.#meter = undefined;
	}

	#visibility = () => this.#client?.hide(document.visibilityState === 'hidden');

	// The page still runs until the next one is there, but nothing that waits ends after that.
	#going = () => void this.#client?.countSent();
	#gone = () => this.#client?.tellSent();

	#release(): void {
		document.removeEventListener('visibilitychange', this.#visibility);
		removeEventListener('beforeunload', this.#going);
		removeEventListener('pagehide', this.#gone);
		this.#timers.forEach(clearInterval);
		this.#timers = [];
		this.#ear.stop();
		this.#closeMicrophone();
	}

	#connected(connection: Connection): void {
		this.connection = connection;
		if (connection !== 'connected') this.speaking = new Map();
		if (
			connection === 'reconnecting' &&
			this.role === 'candidate' &&
			this.phase &&
			!this.ended &&
			!this.moving &&
			!(this.strict && this.phase.name === 'preparing')
		) {
			// The server stops the clock as soon as it misses us, and sends the exact time later.
			this.#phase({
				...this.phase,
				remaining_ms: this.#clock.remaining(performance.now()),
				running: false,
				reason: 'candidate_away'
			});
		}
	}

	/** Lets the browser hear the candidate, if it may, while the automatic patient listens. */
	#listen(): void {
		const may = sound.browserHears && this.automatic.ready && this.#expected();
		if (may) this.#ear.start();
		else this.#ear.stop();
	}

	#phase(phase: Phase): void {
		if (phase.name === 'playing' && this.phase?.name !== 'playing')
			this.#playedFrom = performance.now() - (this.playS * 1000 - phase.remaining_ms);
		this.phase = phase;
		this.#listen();
		if (this.ended) this.speaking = new Map();
		this.#clock.set(phase, performance.now());
		this.#patience.set(
			{ remaining_ms: phase.ends_in_ms ?? 0, running: true },
			performance.now()
		);
		this.#tick();
	}

	#hear(voice: Voice): void {
		this.voices = [
			...this.voices.filter((v) => v.participantId !== voice.participantId),
			voice
		];
		const gone = () => (this.voices = this.voices.filter((v) => v.track !== voice.track));
		voice.track.addEventListener('ended', gone);
	}

	#tick(): void {
		this.remainingS = this.#clock.remaining(performance.now()) / 1000;
		this.endsInS = this.#patience.remaining(performance.now()) / 1000;
	}

	async #judge(): Promise<void> {
		const stats = await this.#client?.stats();
		if (!stats || this.connection !== 'connected') return;
		const sample = sampleOf(
			stats.values() as Iterable<
				Parameters<typeof sampleOf>[0] extends Iterable<infer S> ? S : never
			>
		);
		this.quality = judge(this.#sample, sample);
		this.#sample = sample;
	}

	#close(closed: { reason: string; error: boolean; code?: ErrorCode }): void {
		this.connection = 'closed';
		this.closed = closed;
		this.speaking = new Map();
		this.#client = undefined;
		this.#release();
	}
}

/** The storage that a reload keeps; undefined if the browser allows none. */
function tabStorage(): Storage | undefined {
	try {
		return sessionStorage;
	} catch {
		return undefined;
	}
}
