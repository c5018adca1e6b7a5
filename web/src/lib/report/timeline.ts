/** The geometry of the time line. Times are in seconds, places in pixels. */

export interface View {
	from: number;
	to: number;
}

export const PEAK_S = 0.05;

export function place(t: number, view: View, width: number): number {
	return ((t - view.from) / (view.to - view.from)) * width;
}

export function timeAt(x: number, view: View, width: number): number {
	return (
		view.from + (Math.min(width, Math.max(0, x)) / Math.max(1, width)) * (view.to - view.from)
	);
}

/** Returns the view at a zoom, centred on a time as far as the ends allow. */
export function viewAround(t: number, zoom: number, duration: number): View {
	const span = duration / zoom;
	const from = Math.min(Math.max(0, t - span / 2), duration - span);
	return { from, to: from + span };
}

/**
 * Returns a view that shows a time. It turns pages, so that the plot does not slide while it
 * plays.
 */
export function follow(view: View, t: number, duration: number): View {
	const span = view.to - view.from;
	if (t >= view.from && t <= view.to) return view;
	const from = Math.min(Math.max(0, t - span * 0.05), Math.max(0, duration - span));
	return { from, to: from + span };
}

/**
 * Returns the outline of the waveform as an SVG path: the loudest peak of each column, mirrored.
 */
export function waveform(
	peaks: readonly number[],
	view: View,
	width: number,
	height: number,
	column = 2
): string {
	const columns = Math.floor(width / column);
	const tops: string[] = [];
	const bottoms: string[] = [];
	for (let c = 0; c < columns; c++) {
		const first = Math.floor(timeAt(c * column, view, width) / PEAK_S);
		const last = Math.max(
			first + 1,
			Math.ceil(timeAt((c + 1) * column, view, width) / PEAK_S)
		);
		let top = 0;
		for (let i = first; i < last; i++) top = Math.max(top, peaks[i] ?? 0);
		// The power makes quiet speech visible beside loud speech.
		const half = Math.max(0.5, (Math.min(1, top) ** 0.6 * height) / 2);
		const x = c * column + column / 2;
		tops.push(`${x} ${round(height / 2 - half)}`);
		bottoms.push(`${x} ${round(height / 2 + half)}`);
	}
	return tops.length > 0 ? `M${tops.join('L')}L${bottoms.reverse().join('L')}Z` : '';
}

export interface PitchPoint {
	t_s: number;
	hz: number;
}

export interface PitchScale {
	low: number;
	high: number;
}

/** Returns a scale for nearly all points of all speakers, at least one octave. */
export function pitchScale(points: readonly PitchPoint[]): PitchScale {
	if (points.length === 0) return { low: 75, high: 300 };
	const sorted = points.map((p) => p.hz).sort((a, b) => a - b);
	const at = (q: number) =>
		sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 150;
	let low = at(0.01) / 1.1;
	let high = at(0.99) * 1.1;
	if (high < low * 2)
		[low, high] = [Math.sqrt(low * high) / Math.SQRT2, Math.sqrt(low * high) * Math.SQRT2];
	return { low, high };
}

/** Returns the height of a pitch in the plot; the scale is logarithmic. */
export function pitchPlace(hz: number, scale: PitchScale, height: number): number {
	return round(height * (1 - Math.log(hz / scale.low) / Math.log(scale.high / scale.low)));
}

/** Returns the pitch as an SVG path, with gaps between voiced stretches. */
export function pitchLine(
	points: readonly PitchPoint[],
	view: View,
	width: number,
	scale: PitchScale,
	height: number
): string {
	const parts: string[] = [];
	let lastX = -Infinity;
	let lastT = -Infinity;
	for (let i = lowerBound(points, view.from); i < points.length; i++) {
		const p = points[i];
		if (!p || p.t_s > view.to) break;
		const x = place(p.t_s, view, width);
		const joined = p.t_s - lastT < 0.035;
		lastT = p.t_s;
		if (p.hz < scale.low || p.hz > scale.high) {
			lastT = -Infinity;
			continue;
		}
		if (joined && x - lastX < 1) continue;
		parts.push(
			`${joined ? 'L' : 'M'}${round(x)} ${pitchPlace(p.hz, scale, height)}${joined ? '' : 'h0.5'}`
		);
		lastX = x;
	}
	return parts.join('');
}

/** Returns the round frequencies at which the plot has lines. */
export function pitchLines(scale: PitchScale): number[] {
	return [60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 600].filter(
		(hz) => hz > scale.low * 1.05 && hz < scale.high / 1.05
	);
}

/** Returns the times to label below the plot, at least `apart` pixels from each other. */
export function ticks(view: View, width: number, apart = 80): number[] {
	const steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300];
	const seconds = ((view.to - view.from) / Math.max(1, width)) * apart;
	const step = steps.find((s) => s >= seconds) ?? 600;
	const first = Math.max(0, Math.ceil(view.from / step - 1e-9));
	const list: number[] = [];
	for (let i = first; i * step <= view.to + 1e-9; i++) list.push(i * step);
	return list;
}

function lowerBound(points: readonly PitchPoint[], t: number): number {
	let [low, high] = [0, points.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((points[middle]?.t_s ?? 0) < t) low = middle + 1;
		else high = middle;
	}
	return low;
}

function round(x: number): number {
	return Math.round(x * 10) / 10;
}
