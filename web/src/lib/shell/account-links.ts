import FileArchive from '@lucide/svelte/icons/file-archive';
import History from '@lucide/svelte/icons/history';
import MonitorSmartphone from '@lucide/svelte/icons/monitor-smartphone';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import UserRound from '@lucide/svelte/icons/user-round';

/** The pages about the account, for their own navigation and, some of them, for the user menu. */
export const accountLinks = [
	{ href: '/account', label: 'Profile', Icon: UserRound, inMenu: true },
	{ href: '/account/security', label: 'Security', Icon: ShieldCheck, inMenu: true },
	{ href: '/account/devices', label: 'Devices', Icon: MonitorSmartphone, inMenu: true },
	{ href: '/account/data', label: 'My data', Icon: FileArchive, inMenu: true },
	{ href: '/account/activity', label: 'Activity', Icon: History, inMenu: false }
];
