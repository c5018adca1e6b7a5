import type { AttemptDetail } from '$lib/api/types';
import type { Peer } from '$lib/gen/protocol';
import type { Room } from './room.svelte';

/** What the room's page shows, derived from the room and the attempt. */
export class RoomScreen {
	/** The open dialog. */
	asking = $state<'' | 'finish' | 'leave'>('');
	/** What screen readers announce. */
	announcement = $state('');

	constructor(
		readonly room: Room,
		readonly attempt: AttemptDetail
	) {}

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

	/** Nobody plays the patient yet. */
	get waits(): boolean {
		const { room } = this;
		return !room.patient && room.role !== 'patient' && room.phase !== undefined && !this.over;
	}

	/** The page's main action, if there is one. */
	get action(): 'begin' | 'finish' | undefined {
		if (this.over) return undefined;
		if (this.isCandidate && this.phase === 'preparing') return 'begin';
		return this.speaks && this.phase === 'playing' ? 'finish' : undefined;
	}

	/** The report is ready, or this room will not say any more about it. */
	get reportIsNext(): boolean {
		const { report, ended, closed } = this.room;
		if (!this.speaks) return false;
		return report ? report.status === 'ready' : ended && closed !== undefined;
	}

	/** Announces the phases and the last minute. Call it while the component is set up. */
	announce(): void {
		$effect(() => {
			if (this.phase) this.announcement = this.#phaseWords(this.phase);
		});
		const lastMinute = $derived(
			this.phase === 'playing' &&
				this.room.phase?.running &&
				this.room.remainingS <= 60 &&
				this.room.remainingS > 0
		);
		$effect(() => {
			if (lastMinute) this.announcement = 'One minute left.';
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
