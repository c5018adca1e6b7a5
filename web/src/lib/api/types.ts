// What the REST interface gives.
import type { Role as Part } from '$lib/gen/protocol';

export interface User {
	id: string;
	email: string;
	name: string;
	role: 'candidate' | 'tutor' | 'admin';
	profession: string;
}

export interface Grant {
	access_token: string;
	expires_in: number;
	user: User;
}

export interface ScenarioSummary {
	id: string;
	slug: string;
	title: string;
	profession: string;
	summary: string;
	difficulty: number;
	prepare_seconds: number;
	play_seconds: number;
}

export interface CandidateCard {
	setting: string;
	role: string;
	background: string;
	tasks: string[];
}

export interface InterlocutorCard {
	name: string;
	setting: string;
	background: string;
	mood: string;
	lines: string[];
	conditional: { when: string; say: string }[] | null;
	softening: string;
}

export interface Scenario extends ScenarioSummary {
	candidate_card: CandidateCard;
	interlocutor_card?: InterlocutorCard;
}

export type AttemptState = 'created' | 'preparing' | 'playing' | 'analysing' | 'reported' | 'failed' | 'abandoned';

export interface Attempt {
	id: string;
	state: AttemptState;
	part: Part | 'none';
	scenario_slug: string;
	scenario_title: string;
	profession: string;
	candidate: { id: string; name: string };
	partner?: { id: string; name: string };
	created_at: string;
	started_at?: string;
	ended_at?: string;
	problem?: string;
}

export interface AttemptDetail extends Attempt {
	scenario: Scenario;
}

export interface Span {
	start_s: number;
	end_s: number;
}

export type Measures = Record<string, number | null>;
export type Speaker = 'candidate' | 'patient';

export interface SpeakerReport {
	speaker: Speaker;
	analysis: {
		duration_s: number;
		speech: Span[];
		pauses: Span[];
		syllables: number[];
		pitch: { t_s: number; hz: number }[];
		intensity: { t_s: number; db: number }[];
		measures: Measures;
	};
	frames: Record<string, number>;
	recording?: { duration_s: number; bytes: number };
	peaks: number[];
}

export interface Report {
	attempt_id: string;
	created_at: string;
	started_at: string;
	duration_s: number;
	speakers: SpeakerReport[];
	turns: {
		gaps: { t_s: number; gap_s: number; to: Speaker }[];
		overlaps: Span[];
		gap_median_s: number | null;
		overlap_total_s: number;
		candidate_talk_ratio: number;
		candidate_turns: number;
		patient_turns: number;
		longest_candidate_turn_s: number;
	};
}

export interface Room {
	attempt_id: string;
	phase: string;
	remaining_s: number;
	scenario_slug: string;
	scenario_title: string;
	profession: string;
	candidate_name: string;
	waiting: boolean;
	people: { name: string; role: Part; connected: boolean }[];
	opened_at: string;
}
