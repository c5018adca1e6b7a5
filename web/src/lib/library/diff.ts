/** A line of a comparison: in both texts, or only in the old or the new one. */
export interface DiffLine {
	kind: 'same' | 'old' | 'new';
	text: string;
}

/** Lines in both texts that are far from any change, left out. */
export interface DiffGap {
	kind: 'gap';
	lines: number;
}

/** More lines than these are not compared one by one. */
const MOST = 4_000_000;

/** Compares two texts by line: the longest common sequence of lines stays. */
export function compare(before: string, after: string): DiffLine[] {
	const a = before.split('\n');
	const b = after.split('\n');
	let start = 0;
	while (start < a.length && start < b.length && a[start] === b[start]) start++;
	let end = 0;
	while (
		end < a.length - start &&
		end < b.length - start &&
		a[a.length - 1 - end] === b[b.length - 1 - end]
	)
		end++;
	const same = (text: string): DiffLine => ({ kind: 'same', text });
	return [
		...a.slice(0, start).map(same),
		...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
		...a.slice(a.length - end).map(same)
	];
}

function middle(a: string[], b: string[]): DiffLine[] {
	const old = (text = ''): DiffLine => ({ kind: 'old', text });
	const fresh = (text = ''): DiffLine => ({ kind: 'new', text });
	if (a.length * b.length > MOST) return [...a.map(old), ...b.map(fresh)];
	// common[i][j]: how many lines a from i and b from j have in common
	const wide = b.length + 1;
	const common = new Uint16Array((a.length + 1) * wide);
	const at = (i: number, j: number) => common[i * wide + j] ?? 0;
	for (let i = a.length - 1; i >= 0; i--)
		for (let j = b.length - 1; j >= 0; j--)
			common[i * wide + j] =
				a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
	const lines: DiffLine[] = [];
	let [i, j] = [0, 0];
	while (i < a.length || j < b.length) {
		if (i < a.length && j < b.length && a[i] === b[j]) {
			lines.push({ kind: 'same', text: a[i] ?? '' });
			i++;
			j++;
		} else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1)))
			lines.push(old(a[i++]));
		else lines.push(fresh(b[j++]));
	}
	return lines;
}

/** Leaves out what is the same, except for `around` lines beside each change. */
export function shorten(lines: DiffLine[], around = 3): (DiffLine | DiffGap)[] {
	const near = lines.map(() => false);
	lines.forEach((line, n) => {
		if (line.kind === 'same') return;
		for (let i = Math.max(0, n - around); i <= n + around; i++)
			if (i < near.length) near[i] = true;
	});
	const short: (DiffLine | DiffGap)[] = [];
	lines.forEach((line, n) => {
		const last = short.at(-1);
		if (near[n]) short.push(line);
		else if (last?.kind === 'gap') last.lines++;
		else short.push({ kind: 'gap', lines: 1 });
	});
	return short;
}
