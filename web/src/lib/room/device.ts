/** What kind of device and browser a page runs in, as far as its words depend on it. */
export interface Device {
	system: 'ios' | 'android' | 'windows' | 'mac' | 'chromeos' | 'linux' | 'unknown';
	form: 'phone' | 'tablet' | 'desktop';
	browser: 'chrome' | 'edge' | 'safari' | 'firefox' | 'samsung' | 'unknown';
	/** The app whose built-in browser shows the page; empty in a browser of its own. */
	app: string;
	/** The page was installed, and runs without the browser's address bar. */
	installed: boolean;
}

/** What deviceOf needs to know of the browser. */
export interface Signs {
	userAgent: string;
	/** How many fingers the screen can tell apart: an iPad says that it is a Mac, but has five. */
	touchPoints: number;
	installed: boolean;
}

const APPS: [RegExp, string][] = [
	[/\bFBAN|\bFBAV|\bFB_IAB/, 'Facebook'],
	[/\bInstagram/, 'Instagram'],
	[/\bWhatsApp/, 'WhatsApp'],
	[/\bMicroMessenger/, 'WeChat'],
	[/\bLinkedInApp/, 'LinkedIn'],
	[/\bTelegram/, 'Telegram'],
	[/\bLine\//, 'LINE'],
	[/\bTikTok|\bmusical_ly|\bBytedance/i, 'TikTok'],
	[/\bGSA\//, 'the Google app'],
	[/; wv\)/, 'another app'] // Android's WebView
];
const BROWSERS: [RegExp, Device['browser']][] = [
	[/\bEdg(?:A|iOS)?\//, 'edge'],
	[/\bSamsungBrowser\//, 'samsung'],
	[/\bFirefox\/|\bFxiOS\//, 'firefox'],
	[/\bChrome\/|\bCriOS\/|\bChromium\//, 'chrome'],
	[/\bSafari\//, 'safari']
];

/** Describes a device by the signs that its browser gives. */
export function deviceOf({ userAgent, touchPoints, installed }: Signs): Device {
	const tablet = /\biPad/.test(userAgent) || (/\bMacintosh/.test(userAgent) && touchPoints > 1);
	const system = systemOf(userAgent, tablet);
	const browser = BROWSERS.find(([sign]) => sign.test(userAgent))?.[1] ?? 'unknown';
	let app = APPS.find(([sign]) => sign.test(userAgent))?.[1] ?? '';
	// On an iPhone or iPad every browser names itself; the page of an app does not.
	if (!app && system === 'ios' && browser === 'unknown' && !installed) app = 'another app';
	return { system, form: formOf(userAgent, system, tablet), browser, app, installed };
}

function systemOf(userAgent: string, tablet: boolean): Device['system'] {
	if (tablet || /\biPhone|\biPod/.test(userAgent)) return 'ios';
	if (/\bAndroid/.test(userAgent)) return 'android';
	if (/\bWindows/.test(userAgent)) return 'windows';
	if (/\bMacintosh/.test(userAgent)) return 'mac';
	if (/\bCrOS/.test(userAgent)) return 'chromeos';
	return /\bLinux|\bX11/.test(userAgent) ? 'linux' : 'unknown';
}

function formOf(userAgent: string, system: Device['system'], tablet: boolean): Device['form'] {
	if (tablet) return 'tablet';
	if (system === 'ios') return 'phone';
	if (system !== 'android') return 'desktop';
	return /\bMobile\b/.test(userAgent) ? 'phone' : 'tablet';
}

/** Describes the device of this page. */
export function thisDevice(): Device {
	return deviceOf({
		userAgent: navigator.userAgent,
		touchPoints: navigator.maxTouchPoints,
		installed: matchMedia('(display-mode: standalone)').matches
	});
}
