import type { ExamResult } from '$lib/api/types';
import { TURN_MEASURES, VOICE_MEASURES, type MeasureInfo } from '$lib/gen/measures';

export interface Row {
	key: string;
	name: string;
	unit: string;
	/** One for each role play, in order, and one over both; a dash where there is none. */
	values: string[];
	both: string;
}

export interface Group {
	title: string;
	rows: Row[];
}

type Values = Partial<Record<string, number | null>>;

/** Lists the measures of both role plays side by side, under their headings. */
export function compare({ parts, pooled, pooled_turns }: ExamResult): Group[] {
	const groups: Group[] = [];
	const add = (infos: readonly MeasureInfo<string>[], of: Values[], both: Values) => {
		for (const info of infos) {
			if (!info.group) continue;
			let group = groups.find((g) => g.title === info.group);
			if (!group) groups.push((group = { title: info.group, rows: [] }));
			group.rows.push({
				key: info.key,
				name: info.name,
				unit: info.unit,
				values: of.map((v) => figure(v[info.key], info)),
				both: figure(both[info.key], info)
			});
		}
	};
	add(
		VOICE_MEASURES,
		parts.map((p) => (p.too_little_left ? {} : (p.measures as Values))),
		pooled as Values
	);
	add(
		TURN_MEASURES,
		parts.map((p) => p.turns as Values),
		pooled_turns as Values
	);
	return groups;
}

function figure(value: number | null | undefined, { digits, unit }: MeasureInfo<string>): string {
	if (value == null || !Number.isFinite(value)) return '–';
	return (unit === '%' ? value * 100 : value).toFixed(digits).replace(/^-/, '−');
}
