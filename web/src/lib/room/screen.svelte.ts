import { untrack } from 'svelte';
import type { AttemptDetail } from '$lib/api/types';
import type { Peer } from '$lib/gen/protocol';
import type { Room } from './room.svelte';

export type Sheet = 'card' | 'notes' | 'people';

/** When the last minute begins. */
const LAST_S = 60;
/** Who comes later, for example after a reload, hears no cue. */
const CUE_S = 2;

/** What the room's page shows, derived from the room and the attempt. */
export class RoomScreen {
	/** The open dialog. */
	asking = $state<'' | 'finish' | 'leave'>('');
	/** What screen readers announce. */
	announcement = $state('');
	/** The sheet that a narrow screen shows. */
	sheet = $state<Sheet>('card');
	/** The link for a friend, and until when it works. */
	invitation = $state.raw({ link: '', until: '' });
	/** The reader has chosen to wait for the patient who left. */
	waiting = $state(false);

	constructor(
		readonly room: Room,
		readonly attempt: AttemptDetail
	) {}

	/** The sheets of a narrow screen, in their order. */
	get sheets(): { id: Sheet; label: string }[] {
		return [
			{ id: 'card' as const, label: 'Card' },
			...(this.speaks ? [{ id: 'notes' as const, label: 'Notes' }] : []),
			{ id: 'people' as const, label: 'People' }
		];
	}

	/** The play has come to its last minute. */
	get lastMinute(): boolean {
		const { remainingS } = this.room;
		return this.phase === 'playing' && remainingS <= LAST_S && remainingS > 0 && !this.over;
	}

	/** The play stands because the patient's connection is lost, or because they left. */
	get patientAway(): 'lost' | 'left' | undefined {
		const { phase, patient, role } = this.room;
		if (this.over || role === 'patient' || phase?.reason !== 'patient_away') return undefined;
		return patient ? 'lost' : 'left';
	}

	/** Leaving needs a confirmation: the room is open, and this page is in it. */
	get confirmsLeaving(): boolean {
		return this.room.phase !== undefined && !this.over;
	}

	get isCandidate(): boolean {
		return this.room.role === 'candidate';
	}

	get speaks(): boolean {
		return this.room.role !== 'observer';
	}

	get phase() {
		return this.room.phase?.name;
	}

	/** How long the current phase is, in seconds. */
	get totalS(): number {
		const { play_seconds, prepare_seconds } = this.attempt.scenario;
		return this.phase === 'playing' ? play_seconds : prepare_seconds;
	}

	/** The role play has ended, or this page has left the room. */
	get over(): boolean {
		return this.room.ended || this.room.closed !== undefined;
	}

	/** The other people who speak. */
	get speakers(): Peer[] {
		return this.room.peers.filter((peer) => peer.role !== 'observer');
	}

	get observers(): Peer[] {
		return this.room.peers.filter((peer) => peer.role === 'observer');
	}

	/** The automatic patient has the part, or comes to take it. */
	get automatic(): boolean {
		return this.room.automatic.here && !this.over;
	}

	/** The candidate may call the automatic patient, since nobody else plays. */
	get callable(): boolean {
		const free = !this.room.patient && !this.automatic && this.room.phase !== undefined;
		return free && this.isCandidate && !this.over && this.attempt.scenario.has_dialogue;
	}

	/** The play cannot begin until the automatic patient is ready. */
	get patientComes(): boolean {
		return this.automatic && !this.room.automatic.ready;
	}

	/** Nobody plays the patient yet. */
	get waits(): boolean {
		const { room } = this;
		if (this.patientAway || this.automatic) return false; // which is said elsewhere
		return !room.patient && room.role !== 'patient' && room.phase !== undefined && !this.over;
	}

	/** The page's main action, if there is one. */
	get action(): 'begin' | 'finish' | undefined {
		if (this.over) return undefined;
		if (this.isCandidate && this.phase === 'preparing') return 'begin';
		return this.speaks && this.phase === 'playing' ? 'finish' : undefined;
	}

	/** The mock exam that the role play is part of. */
	get exam(): string | undefined {
		return this.attempt.exam_id;
	}

	/** The candidate of a mock exam goes on with it. */
	get examIsNext(): boolean {
		return this.exam !== undefined && this.isCandidate && this.room.ended;
	}

	/** The partner of a mock exam's first role play is invited to the second. */
	get invites(): boolean {
		const first = this.exam !== undefined && this.attempt.exam_position === 1;
		return first && this.room.role === 'patient';
	}

	/** The report is ready, or this room will not say any more about it. */
	get reportIsNext(): boolean {
		const { report, ended, closed } = this.room;
		if (!this.speaks || this.invites || (this.exam && this.isCandidate)) return false;
		return report ? report.status === 'ready' : ended && closed !== undefined;
	}

	/**
	 * Announces the phases and the last minute. `begun` is called when the play begins while the
	 * reader is in the room, `cue` when its last minute begins while the reader hears it. Call it
	 * while the component is set up.
	 */
	announce(begun: () => void, cue: () => void): void {
		let before: string | undefined;
		const phase = $derived(this.phase);
		$effect(() => {
			if (!phase) return;
			this.announcement = this.#phaseWords(phase);
			if (before === 'preparing' && phase === 'playing') {
				this.sheet = 'card';
				untrack(begun);
			}
			before = phase;
		});
		const lastMinute = $derived(this.lastMinute && this.room.phase?.running);
		$effect(() => {
			if (!lastMinute) return;
			// Those who come back later than that see the clock.
			if (untrack(() => this.room.remainingS <= LAST_S - CUE_S)) return;
			this.announcement = 'One minute left.';
			untrack(cue);
		});
		const away = $derived(this.patientAway !== undefined);
		$effect(() => {
			if (!away) this.waiting = false;
		});
	}

	#phaseWords(phase: 'preparing' | 'playing' | 'ended'): string {
		switch (phase) {
			case 'preparing':
				return 'Preparation has begun.';
			case 'playing':
				return `The role play has begun.${this.isCandidate ? ' You speak first.' : ''}`;
			case 'ended':
				return 'The role play is over.';
		}
	}
}
