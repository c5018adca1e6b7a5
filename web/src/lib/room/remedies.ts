import type { Device } from './device';
import type { MicrophoneProblem } from './microphone';

/** What is wrong, and what the reader can do about it on this device. */
export interface Remedy {
	title: string;
	steps: string[];
}

/** Returns what to do about a microphone that did not open. */
export function remedy(problem: MicrophoneProblem, address: string, device: Device): Remedy {
	switch (problem) {
		case 'insecure':
			return {
				title: 'This address is not secure, so the browser blocks the microphone',
				steps: [
					`You are on ${address}. Browsers allow the microphone only on https:// addresses${
						device.form === 'desktop' ? ' and on localhost' : ''
					}.`,
					'Ask the person who runs this server for its https:// address.',
					...(device.form === 'desktop'
						? [
								'If Bedside runs on this computer, open it as http://localhost instead.'
							]
						: [])
				]
			};
		case 'unsupported':
			return {
				title: 'This browser cannot use a microphone',
				steps: device.app ? outOfTheApp(device) : [`Open Bedside in ${current(device)}.`]
			};
		case 'denied':
			return {
				title: 'The microphone is blocked for this page',
				steps: device.app
					? outOfTheApp(device)
					: [allowInBrowser(device), allowInSystem(device), 'Then try again.']
			};
		case 'missing':
			return {
				title: 'No microphone was found',
				steps: [
					device.form === 'desktop'
						? 'Plug in a headset or a microphone. A wired headset gives the clearest recording.'
						: `Unplug the headset, if there is one: your ${device.form} has a microphone of its own.`,
					'A Bluetooth headset must be connected before it shows up here.',
					'Then try again.'
				]
			};
		case 'busy':
			return {
				title: 'Another program is using the microphone',
				steps:
					device.form === 'desktop'
						? [
								'Close other calls and recorders, and other tabs that use the microphone.',
								'Unplug the headset and plug it in again if it still does not answer.',
								'Then try again.'
							]
						: [
								'End phone calls, and close recorders and voice assistants: only one app at a time has the microphone.',
								'Close other tabs that use the microphone.',
								'Then try again.'
							]
			};
		case 'unknown':
			return {
				title: 'The microphone did not start',
				steps: [
					'Try again, or choose another microphone.',
					device.form === 'desktop'
						? 'Restarting the browser often helps.'
						: `Closing the browser and opening it again often helps; else restart the ${device.form}.`
				]
			};
	}
}

/** Returns what to do about a microphone that is open but silent. */
export function silenceRemedy(device: Device): Remedy {
	const headset =
		'Look for a mute switch on your headset or its cable, and check that it is plugged in all the way.';
	const title = 'We cannot hear you';
	if (device.form === 'desktop')
		return {
			title,
			steps: [
				headset,
				`Look in ${soundSettings(device)}: the input volume must not be at zero.`,
				'Or choose another microphone in the sound check.'
			]
		};
	return {
		title,
		steps: [
			'Bring the microphone closer, and take your hand or the case off it: it is at the lower edge.',
			'With a Bluetooth headset: it may be lying somewhere else. Switch it off, or speak into it.',
			device.system === 'ios'
				? `End calls on the ${device.form}, and other apps that listen: they take the microphone.`
				: 'Pull the shade down and check that microphone access is not switched off; end other calls.'
		]
	};
}

/** Returns what to do about speakers that are not heard. */
export function soundRemedy(device: Device, choosesOutput: boolean): string {
	const others = choosesOutput ? ', or choose other speakers' : '';
	if (device.form === 'desktop')
		return `Turn the volume up and check that sound is not muted for this tab${others}. Then play them again.`;
	const silent = device.system === 'ios' ? ', and switch silent mode off' : '';
	return `Turn the volume up with the buttons at the side${silent}. If a Bluetooth headset is connected, the sound goes there${others}. Then play them again.`;
}

function soundSettings({ system }: Device): string {
	switch (system) {
		case 'windows':
			return 'Settings, System, Sound';
		case 'mac':
			return 'System Settings, Sound, Input';
		case 'chromeos':
			return 'the menu at the clock, beside the volume';
		default:
			return 'your system’s sound settings';
	}
}

/** Says how the reader gets from an app's built-in browser to a real one. */
function outOfTheApp(device: Device): string[] {
	const real = device.system === 'ios' ? 'Safari' : 'Chrome';
	return [
		`You opened Bedside inside ${device.app}, where pages often have no microphone.`,
		device.system === 'ios'
			? `Tap the compass, or the dots or the share sign and then Open in ${real}.`
			: `Tap the three dots at the top and then Open in ${real} or Open in browser.`,
		`Or copy the address and open it in ${real} yourself.`
	];
}

function current(device: Device): string {
	if (device.system === 'ios') return 'Safari, and bring the system up to date';
	if (device.system === 'android') return 'a current Chrome, Firefox or Samsung Internet';
	return 'a current Firefox, Chrome, Edge or Safari';
}

function allowInBrowser({ system, browser, installed, form }: Device): string {
	if (system === 'ios' && browser === 'safari')
		return installed
			? `Open the ${form}’s Settings, then Apps, Safari, Microphone, and choose Ask or Allow.`
			: 'Tap the sign at the left end of the address bar, then Website Settings, and set Microphone to Allow.';
	if (system === 'ios')
		return `Open the ${form}’s Settings, then Apps, find this browser, and switch Microphone on.`;
	if (system === 'android')
		return installed
			? 'Press and hold the Bedside icon, open App info, then Permissions, and allow Microphone.'
			: browser === 'firefox'
				? 'Tap the lock beside the address, then the microphone, and choose Allowed.'
				: 'Tap the sign at the left of the address, then Permissions, and allow Microphone.';
	switch (browser) {
		case 'safari':
			return 'Choose Safari, Settings for This Website in the menu bar, and set Microphone to Allow.';
		case 'firefox':
			return 'Click the crossed-out microphone at the left of the address, and remove the block.';
		default:
			return 'Click the icon at the left of the address bar and set Microphone to Allow.';
	}
}

function allowInSystem({ system, form }: Device): string {
	switch (system) {
		case 'ios':
			return `If it is allowed there, look in the ${form}’s Settings under Privacy & Security, Microphone.`;
		case 'android':
			return `If it is allowed there, look in the ${form}’s Settings under Privacy, Microphone access, and under Apps for this browser.`;
		case 'windows':
			return 'If it is allowed there, look in Windows’ Settings under Privacy & security, Microphone: the browser needs permission too.';
		case 'mac':
			return 'If it is allowed there, look in System Settings under Privacy & Security, Microphone: the browser needs permission too.';
		case 'chromeos':
			return 'If it is allowed there, look in Settings under Privacy and security, Privacy controls: the microphone must be on.';
		default:
			return 'If it is allowed there, look in your system’s privacy settings: the browser needs permission too.';
	}
}
