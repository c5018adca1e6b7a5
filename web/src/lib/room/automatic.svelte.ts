import type { Caption, Patient, PatientState } from '$lib/gen/protocol';
import type { RoomClient } from './client';

/** What somebody has said, or is saying. */
export interface Line {
	id: number;
	participantId: string;
	text: string;
	final: boolean;
	/** The speaker was interrupted. */
	cut: boolean;
}

/** How many lines of the conversation are kept. */
const KEPT = 30;

/** The client's part for the automatic patient. */
export type Requests = Pick<RoomClient, 'callPatient' | 'typed' | 'talk' | 'control'>;

/** The automatic patient of a room, as its page shows it, and what the candidate may ask of it. */
export class Automatic {
	state = $state<PatientState>('absent');
	/** The place in the queue, from 1 on; 0 when there is none. */
	place = $state(0);
	mood = $state('');
	/** The patient did not understand several times: the page offers the button and typing. */
	offersTyping = $state(false);
	recogniser = $state('');
	lines = $state.raw<Line[]>([]);
	hint = $state('');
	/** The button to talk is held down. */
	talking = $state(false);
	#next = 0;
	#client: () => Requests | undefined;

	constructor(client: () => Requests | undefined) {
		this.#client = client;
	}

	/** The automatic patient is in the room, or on the way. */
	get here(): boolean {
		return this.state !== 'absent';
	}

	/** The patient can be spoken to. */
	get ready(): boolean {
		return ['listening', 'thinking', 'speaking', 'paused'].includes(this.state);
	}

	update(patient: Patient): void {
		this.state = patient.state;
		this.place = patient.place ?? 0;
		if (patient.mood) this.mood = patient.mood;
		this.offersTyping = patient.offer_typing ?? false;
		this.recogniser = patient.recogniser ?? '';
	}

	/** Adds a caption, which replaces the speaker's earlier one unless that was final. */
	caption({ participant_id, text, final, cut = false }: Caption): void {
		const open = this.lines.find((l) => l.participantId === participant_id && !l.final);
		const others = this.lines.filter((l) => l !== open);
		const line = {
			id: open?.id ?? ++this.#next,
			participantId: participant_id,
			text,
			final,
			cut
		};
		// An empty text means that nothing was said after all.
		this.lines = text ? [...others, line].slice(-KEPT) : others;
	}

	call(): void {
		this.#client()?.callPatient();
	}

	say(text: string): void {
		this.#client()?.typed(text);
	}

	talk(on: boolean): void {
		if (this.talking === on) return;
		this.talking = on;
		this.#client()?.talk(on);
	}

	pause(): void {
		this.#client()?.control('pause');
	}

	resume(): void {
		this.#client()?.control('resume');
	}

	again(): void {
		this.#client()?.control('again');
	}

	askHint(): void {
		this.#client()?.control('hint');
	}

	restart(): void {
		this.lines = [];
		this.hint = '';
		this.#client()?.control('restart');
	}
}

/** Says what the automatic patient does. */
export function stateWords(state: PatientState, place: number): string {
	switch (state) {
		case 'absent':
			return '';
		case 'queued':
			return place > 1
				? `Every automatic patient is busy. You are number ${place} in the queue.`
				: 'Every automatic patient is busy. You are next.';
		case 'joining':
			return 'Getting ready…';
		case 'listening':
			return 'Listening';
		case 'thinking':
			return 'Thinking…';
		case 'speaking':
			return 'Speaking';
		case 'paused':
			return 'Paused. The clock is stopped.';
	}
}
