import type { Measures, Report, SpeakerReport } from '$lib/api/types';

export interface Measure {
	key: string;
	name: string;
	value: string;
	unit: string;
	means: string;
}

export interface Group {
	title: string;
	measures: Measure[];
}

type Shown<Key = keyof Measures> = [key: Key, name: string, unit: string, digits: number, means: string];

const PACE: Shown[] = [
	['speech_duration_s', 'Speech duration', 's', 1, 'From the first word to the last, pauses included.'],
	['speech_rate_syll_per_s', 'Speech rate', 'syllables/s', 2, 'Syllables for each second of that time, pauses included. It falls when you pause often.'],
	['articulation_rate_syll_per_s', 'Articulation rate', 'syllables/s', 2, 'Syllables for each second of actual speech. It says how fast you speak when you speak.'],
	['syllable_count', 'Syllables', '', 0, 'Counted from the peaks of the voice, so it is close rather than exact.']
];

const FLOW: Shown[] = [
	['mean_length_of_run_syll', 'Mean length of run', 'syllables', 1, 'How much you say between two pauses. Longer runs sound more fluent.'],
	['phonation_time_ratio', 'Phonation-time ratio', '%', 0, 'The share of the speech duration in which there is voice and not silence. Listening counts as silence.'],
	['pause_count', 'Pauses', '', 0, 'Silences of a quarter of a second or longer between two stretches of speech. The other’s turns count among them.'],
	['pauses_per_min', 'Pauses per minute', '', 1, 'The same, for each minute.'],
	['pause_mean_s', 'Mean pause', 's', 2, 'How long a pause lasts on average.'],
	['pause_max_s', 'Longest pause', 's', 1, 'It may be the other’s turn: see where it falls on the time line.']
];

const VOICE: Shown[] = [
	['f0_median_hz', 'Middle pitch', 'Hz', 0, 'Half of your voice is above it and half below.'],
	['f0_range_semitones', 'Pitch range', 'semitones', 1, 'From your low tones to your high ones, leaving out the extremes. A narrow range can sound flat.'],
	['f0_sd_semitones', 'Pitch movement', 'semitones', 1, 'How far the pitch usually strays from its average.'],
	['intensity_mean_db', 'Loudness', 'dBFS', 1, 'The level that reached the recording; 0 is the loudest possible. It depends on the microphone.'],
	['intensity_sd_db', 'Loudness movement', 'dB', 1, 'How much the level rises and falls within your speech.'],
	['noise_floor_db', 'Background', 'dBFS', 1, 'The level while you were silent. The lower, the cleaner the recording.']
];

/** What was measured of one speaker, in words. A measure that the audio did not allow is a dash. */
export function groups(speaker: SpeakerReport, report: Report): Group[] {
	const list: Group[] = [
		{ title: 'Pace', measures: shown(PACE, speaker) },
		{ title: 'Flow and pauses', measures: shown(FLOW, speaker) },
		{ title: 'Voice', measures: shown(VOICE, speaker) }
	];
	if (speaker.speaker === 'candidate' && report.speakers.length > 1) list.splice(2, 0, { title: 'Taking turns', measures: turns(report) });
	return list;
}

/** One measure by its name in the report. */
export function measure(speaker: SpeakerReport, key: keyof Measures): Measure {
	const row = [...PACE, ...FLOW, ...VOICE].find(([k]) => k === key);
	if (!row) throw new Error(`no measure ${key}`);
	return toMeasure(row, speaker.analysis.measures[key]);
}

function shown(rows: Shown[], speaker: SpeakerReport): Measure[] {
	return rows.map((row) => toMeasure(row, speaker.analysis.measures[row[0]]));
}

function toMeasure([key, name, unit, digits, means]: Shown<string>, value: number | null | undefined): Measure {
	const scaled = value != null && unit === '%' ? value * 100 : value;
	return { key, name, value: figure(scaled, digits), unit: scaled == null ? '' : unit, means };
}

function turns({ turns: t }: Report): Measure[] {
	return [
		toMeasure(['gap_median_s', 'Answering gap', 's', 2, 'The usual silence between the patient’s last word and your first. Below zero, you came in before the end.'], t.gap_median_s),
		toMeasure(['candidate_talk_ratio', 'Your share of the talk', '%', 0, 'Your speech out of all speech. The patient needs room to tell you things.'], t.candidate_talk_ratio),
		toMeasure(['candidate_turns', 'Turns', '', 0, 'How often you took the floor.'], t.candidate_turns),
		toMeasure(['longest_candidate_turn_s', 'Longest turn', 's', 1, 'The longest stretch that you held the floor. Long ones can turn into lectures.'], t.longest_candidate_turn_s),
		toMeasure(['overlap_total_s', 'Both at once', 's', 1, 'The time in which both of you spoke.'], t.overlap_total_s)
	];
}

function figure(value: number | null | undefined, digits: number): string {
	if (value == null || !Number.isFinite(value)) return '–';
	return value.toFixed(digits).replace(/^-/, '−');
}
