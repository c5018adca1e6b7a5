const BROWSERS: [RegExp, string][] = [
	[/Edg(?:A|iOS)?\//, 'Edge'],
	[/OPR\/|Opera/, 'Opera'],
	[/SamsungBrowser\//, 'Samsung Internet'],
	[/Firefox\/|FxiOS\//, 'Firefox'],
	[/Chrome\/|CriOS\/|Chromium\//, 'Chrome'],
	[/Safari\//, 'Safari']
];
const SYSTEMS: [RegExp, string][] = [
	[/iPhone/, 'an iPhone'],
	[/iPad/, 'an iPad'],
	[/Android/, 'Android'],
	[/Windows/, 'Windows'],
	[/Mac OS X|Macintosh/, 'a Mac'],
	[/CrOS/, 'ChromeOS'],
	[/Linux/, 'Linux']
];

/**
 * Describes a User-Agent header in a few words: Firefox on Linux. For an unknown program this is
 * its first word.
 */
export function agentWords(agent: string): string {
	const browser = BROWSERS.find(([sign]) => sign.test(agent))?.[1];
	const system = SYSTEMS.find(([sign]) => sign.test(agent))?.[1];
	if (browser && system) return `${browser} on ${system}`;
	return browser ?? system ?? agent.split(/[\s/]/)[0] ?? '';
}

/** Describes this browser. */
export const ownDevice = (): string => agentWords(navigator.userAgent);
