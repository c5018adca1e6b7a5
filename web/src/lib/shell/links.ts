import type { User } from '$lib/api/types';
import BookOpen from '@lucide/svelte/icons/book-open';
import ChartColumn from '@lucide/svelte/icons/chart-column';
import DoorOpen from '@lucide/svelte/icons/door-open';
import Ear from '@lucide/svelte/icons/ear';
import FileChartLine from '@lucide/svelte/icons/file-chart-line';
import GraduationCap from '@lucide/svelte/icons/graduation-cap';
import History from '@lucide/svelte/icons/history';
import House from '@lucide/svelte/icons/house';
import Images from '@lucide/svelte/icons/images';
import Library from '@lucide/svelte/icons/library';
import Users from '@lucide/svelte/icons/users';

/** A link of the header. */
export interface Link {
	href: string;
	label: string;
	Icon: typeof House;
}

const HOME: Link = { href: '/', label: 'Home', Icon: House };
const PRACTISE: Link = { href: '/', label: 'Practise', Icon: House };
const SCENARIOS: Link = { href: '/scenarios', label: 'Role plays', Icon: BookOpen };
const EXAM: Link = { href: '/exam', label: 'Mock exam', Icon: GraduationCap };
const PRACTICE: Link = { href: '/practice', label: 'My practice', Icon: History };
const SAMPLE: Link = { href: '/sample-report', label: 'Sample report', Icon: FileChartLine };
const ROOMS: Link = { href: '/tutor', label: 'Rooms', Icon: DoorOpen };
const LIBRARY: Link = { href: '/library', label: 'Library', Icon: Library };
const MEDIA: Link = { href: '/media', label: 'Media', Icon: Images };
const ANALYTICS: Link = { href: '/analytics', label: 'Analytics', Icon: ChartColumn };
const ACCOUNTS: Link = { href: '/admin/users', label: 'Accounts', Icon: Users };
const SPEECH: Link = { href: '/admin/speech', label: 'Speech', Icon: Ear };

/** The header's links, by who reads them. */
export const LINKS: Record<User['role'] | 'guest', Link[]> = {
	guest: [SCENARIOS, SAMPLE],
	candidate: [HOME, SCENARIOS, EXAM, PRACTICE],
	tutor: [ROOMS, PRACTISE, SCENARIOS, LIBRARY, MEDIA, ANALYTICS],
	admin: [ROOMS, PRACTISE, SCENARIOS, LIBRARY, MEDIA, ANALYTICS, ACCOUNTS, SPEECH]
};

/** Reports whether a link leads to the page that is shown, or to one above it. */
export function isCurrent({ href }: Link, pathname: string): boolean {
	return pathname === href || (href !== '/' && pathname.startsWith(`${href}/`));
}
