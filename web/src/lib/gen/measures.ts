// Generated from the structs Measures and Turns of package store by go generate. Do not edit.

/** Describes one number of a report. Where the unit is %, the value is a ratio of 0 to 1. */
export interface MeasureInfo<Key extends string> {
	key: Key;
	/** The heading to show it under; empty: do not show it. */
	group: string;
	name: string;
	unit: string;
	/** Decimals to show. */
	digits: number;
	/** What it is, and what to make of it. */
	means: string;
}

export type VoiceMeasure =
	| "speech_duration_s"
	| "phonation_time_s"
	| "speech_rate_syll_per_s"
	| "articulation_rate_syll_per_s"
	| "syllable_count"
	| "mean_length_of_run_syll"
	| "mean_length_of_run_s"
	| "phonation_time_ratio"
	| "pause_count"
	| "pauses_per_min"
	| "pause_total_s"
	| "pause_mean_s"
	| "pause_max_s"
	| "f0_median_hz"
	| "f0_q10_hz"
	| "f0_q90_hz"
	| "f0_range_semitones"
	| "f0_sd_semitones"
	| "voiced_ratio"
	| "intensity_mean_db"
	| "intensity_sd_db"
	| "noise_floor_db";

/** Measures of one voice. */
export const VOICE_MEASURES: MeasureInfo<VoiceMeasure>[] = [
	{
		key: "speech_duration_s",
		group: "Pace",
		name: "Speech duration",
		unit: "s",
		digits: 1,
		means: "From the start of the first speech to the end of the last, pauses included."
	},
	{
		key: "phonation_time_s",
		group: "",
		name: "Phonation time",
		unit: "s",
		digits: 1,
		means: "The sum of the stretches of speech, pauses left out."
	},
	{
		key: "speech_rate_syll_per_s",
		group: "Pace",
		name: "Speech rate",
		unit: "syllables/s",
		digits: 2,
		means: "Syllables for each second of the speech duration, pauses included. It falls when you pause often."
	},
	{
		key: "articulation_rate_syll_per_s",
		group: "Pace",
		name: "Articulation rate",
		unit: "syllables/s",
		digits: 2,
		means: "Syllables for each second of actual speech (phonation time). It says how fast you speak when you speak."
	},
	{
		key: "syllable_count",
		group: "Pace",
		name: "Syllables",
		unit: "",
		digits: 0,
		means: "The number of syllable nuclei, which are counted from the peaks of the voice. It is close rather than exact."
	},
	{
		key: "mean_length_of_run_syll",
		group: "Flow and pauses",
		name: "Mean length of run",
		unit: "syllables",
		digits: 1,
		means: "Syllables in a stretch of speech between two pauses, on average. Longer runs sound more fluent."
	},
	{
		key: "mean_length_of_run_s",
		group: "",
		name: "Mean duration of run",
		unit: "s",
		digits: 2,
		means: "How long a stretch of speech between two pauses lasts on average."
	},
	{
		key: "phonation_time_ratio",
		group: "Flow and pauses",
		name: "Phonation-time ratio",
		unit: "%",
		digits: 0,
		means: "Phonation time over speech duration: the share in which there is voice and not silence. Listening counts as silence."
	},
	{
		key: "pause_count",
		group: "Flow and pauses",
		name: "Pauses",
		unit: "",
		digits: 0,
		means: "Silences of 0.25 s or longer between two stretches of speech. The other’s turns count among them."
	},
	{
		key: "pauses_per_min",
		group: "Flow and pauses",
		name: "Pauses per minute",
		unit: "",
		digits: 1,
		means: "Pauses for each minute of the speech duration."
	},
	{
		key: "pause_total_s",
		group: "",
		name: "Total pause time",
		unit: "s",
		digits: 1,
		means: "The sum of the pauses: speech duration less phonation time."
	},
	{
		key: "pause_mean_s",
		group: "Flow and pauses",
		name: "Mean pause",
		unit: "s",
		digits: 2,
		means: "How long a pause lasts on average."
	},
	{
		key: "pause_max_s",
		group: "Flow and pauses",
		name: "Longest pause",
		unit: "s",
		digits: 1,
		means: "How long the longest pause lasts. It may be the other’s turn: see where it falls on the time line."
	},
	{
		key: "f0_median_hz",
		group: "Voice",
		name: "Middle pitch",
		unit: "Hz",
		digits: 0,
		means: "The median of F0: half of the voice is above it and half below."
	},
	{
		key: "f0_q10_hz",
		group: "",
		name: "Low pitch",
		unit: "Hz",
		digits: 0,
		means: "The 10th percentile of F0."
	},
	{
		key: "f0_q90_hz",
		group: "",
		name: "High pitch",
		unit: "Hz",
		digits: 0,
		means: "The 90th percentile of F0."
	},
	{
		key: "f0_range_semitones",
		group: "Voice",
		name: "Pitch range",
		unit: "semitones",
		digits: 1,
		means: "From the low tones (10th percentile of F0) to the high ones (90th percentile). A narrow range can sound flat."
	},
	{
		key: "f0_sd_semitones",
		group: "Voice",
		name: "Pitch movement",
		unit: "semitones",
		digits: 1,
		means: "How far the pitch usually strays from its average: the standard deviation of F0."
	},
	{
		key: "voiced_ratio",
		group: "",
		name: "Voiced share",
		unit: "%",
		digits: 0,
		means: "Voiced frames over frames of speech."
	},
	{
		key: "intensity_mean_db",
		group: "Voice",
		name: "Loudness",
		unit: "dBFS",
		digits: 1,
		means: "The mean power of the speech in the recording; 0 is full scale, the loudest possible. It depends on the microphone."
	},
	{
		key: "intensity_sd_db",
		group: "Voice",
		name: "Loudness movement",
		unit: "dB",
		digits: 1,
		means: "How much the level rises and falls within speech: its standard deviation."
	},
	{
		key: "noise_floor_db",
		group: "Voice",
		name: "Background",
		unit: "dBFS",
		digits: 1,
		means: "The level outside speech: its 10th percentile, digital silence left out. The lower, the cleaner the recording."
	}
];

export type TurnMeasure =
	| "gap_median_s"
	| "candidate_talk_ratio"
	| "candidate_turns"
	| "patient_turns"
	| "longest_candidate_turn_s"
	| "overlap_total_s";

/** Measures of how two speakers take turns. */
export const TURN_MEASURES: MeasureInfo<TurnMeasure>[] = [
	{
		key: "gap_median_s",
		group: "Taking turns",
		name: "Answering gap",
		unit: "s",
		digits: 2,
		means: "The median silence between the patient’s last word and the candidate’s first. Below zero, you came in before the end."
	},
	{
		key: "candidate_talk_ratio",
		group: "Taking turns",
		name: "Your share of the talk",
		unit: "%",
		digits: 0,
		means: "The candidate’s speech out of all speech. The patient needs room to tell you things."
	},
	{
		key: "candidate_turns",
		group: "Taking turns",
		name: "Turns",
		unit: "",
		digits: 0,
		means: "How often the candidate took the floor."
	},
	{
		key: "patient_turns",
		group: "",
		name: "Patient’s turns",
		unit: "",
		digits: 0,
		means: "How often the patient took the floor."
	},
	{
		key: "longest_candidate_turn_s",
		group: "Taking turns",
		name: "Longest turn",
		unit: "s",
		digits: 1,
		means: "The longest time for which the candidate held the floor. Long turns can become lectures."
	},
	{
		key: "overlap_total_s",
		group: "Taking turns",
		name: "Both at once",
		unit: "s",
		digits: 1,
		means: "The time in which both spoke."
	}
];
