/** Returns the time zones that the browser knows, with readable labels. */
export function timeZones(now = new Date()): { value: string; label: string }[] {
	return Intl.supportedValuesOf('timeZone').map((zone) => ({
		value: zone,
		label: `${zone.replaceAll('_', ' ')} (${offset(zone, now)})`
	}));
}

/** Returns a zone's offset from UTC: UTC+5:30. */
function offset(zone: string, now: Date): string {
	const parts = new Intl.DateTimeFormat('en-GB', {
		timeZone: zone,
		timeZoneName: 'shortOffset'
	}).formatToParts(now);
	return (parts.find((part) => part.type === 'timeZoneName')?.value ?? '').replace('GMT', 'UTC');
}

const LOCALES = [
	'en-GB',
	'en-AU',
	'en-CA',
	'en-IE',
	'en-IN',
	'en-NG',
	'en-NZ',
	'en-PH',
	'en-SG',
	'en-US',
	'en-ZA',
	'ar',
	'de',
	'es',
	'fr',
	'hi',
	'hr',
	'it',
	'ne',
	'pl',
	'pt',
	'ro',
	'si',
	'tl',
	'uk',
	'vi',
	'zh'
];

/** Returns the formats for dates and numbers. `also` is listed too, if it is not one of ours. */
export function locales(also = ''): { value: string; label: string }[] {
	const names = new Intl.DisplayNames('en-GB', { type: 'language' });
	const all = also && !LOCALES.includes(also) ? [also, ...LOCALES] : LOCALES;
	return all.map((locale) => ({ value: locale, label: names.of(locale) ?? locale }));
}
