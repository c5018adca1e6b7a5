import type { Measures, Report, SpeakerReport } from '$lib/api/types';
import { TURN_MEASURES, VOICE_MEASURES, type MeasureInfo } from '$lib/gen/measures';

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

/**
 * Lists a speaker's measures under their headings, as the page shows them. How the speakers take
 * turns is part of the candidate's list, just before the voice. A measure without a value is shown
 * as a dash.
 */
export function groups(speaker: SpeakerReport, report: Report): Group[] {
	const list = grouped(VOICE_MEASURES, speaker.analysis.measures);
	if (speaker.speaker === 'candidate' && report.speakers.length > 1) {
		list.splice(-1, 0, ...grouped(TURN_MEASURES, report.turns));
	}
	return list;
}

/** Finds one measure of a voice by its key in the report. */
export function measure(speaker: SpeakerReport, key: keyof Measures): Measure {
	const info = VOICE_MEASURES.find((m) => m.key === key);
	if (!info) throw new Error(`no measure ${key}`);
	return toMeasure(info, speaker.analysis.measures[key]);
}

function grouped<Key extends string>(
	infos: MeasureInfo<Key>[],
	values: Record<Key, number | null>
): Group[] {
	const list: Group[] = [];
	for (const info of infos) {
		if (!info.group) continue;
		let group = list.find((g) => g.title === info.group);
		if (!group) list.push((group = { title: info.group, measures: [] }));
		group.measures.push(toMeasure(info, values[info.key]));
	}
	return list;
}

function toMeasure(info: MeasureInfo<string>, value: number | null | undefined): Measure {
	const { key, name, unit, digits, means } = info;
	const scaled = value != null && unit === '%' ? value * 100 : value;
	return { key, name, value: figure(scaled, digits), unit: scaled == null ? '' : unit, means };
}

/** A report from before a measure existed has no value for it. */
function figure(value: number | null | undefined, digits: number): string {
	if (value == null || !Number.isFinite(value)) return '–';
	return value.toFixed(digits).replace(/^-/, '−');
}
