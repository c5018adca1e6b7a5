// Made-up accounts, devices and acts: enough for every screen about accounts to be drawn.
import type { components } from '../src/lib/gen/api.ts';
import { candidate, tutor } from './fixtures.ts';

type Schemas = components['schemas'];

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const DAY = 24 * 60;

const device = (id: string, more: Partial<Schemas['Session']>): Schemas['Session'] => ({
	id,
	current: false,
	browser: 'Firefox 143',
	system: 'Linux',
	kind: 'desktop',
	ip: '192.0.2.17',
	fingerprint: 'f1',
	created_at: ago(3 * DAY),
	last_seen_at: ago(4),
	expires_at: ago(-14 * DAY),
	ends_at: ago(-80 * DAY),
	...more
});

export const devices: Schemas['Session'][] = [
	device('s1', { current: true }),
	device('s2', {
		browser: 'Safari 18',
		system: 'iOS',
		kind: 'mobile',
		ip: '2001:db8:85a3:8d3:1319:8a2e:370:7348',
		last_seen_at: ago(DAY)
	}),
	device('s3', {
		browser: '',
		system: '',
		kind: 'program',
		ip: '198.51.100.4',
		last_seen_at: ago(9 * DAY),
		created_at: ago(40 * DAY)
	})
];

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0';
const PHONE =
	'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
let acts = 0;
const act = (
	action: string,
	minutes: number,
	more: Partial<Schemas['Act']> = {}
): Schemas['Act'] => ({
	id: `act${++acts}`,
	at: ago(minutes),
	action,
	outcome: 'done',
	actor_id: 'c1',
	user_id: 'c1',
	own: true,
	session_id: 's1',
	object: '',
	detail: '',
	ip: '192.0.2.17',
	user_agent: FIREFOX,
	count: 1,
	last_at: ago(minutes),
	...more
});

export const trail: Schemas['Act'][] = [
	act('user.change_profile', 2, { detail: 'profession, test_date' }),
	act('session.start', 5),
	act('session.start', 7, {
		outcome: 'refused',
		own: false,
		actor_id: '',
		detail: 'wrong address or password',
		ip: '203.0.113.99',
		user_agent: PHONE
	}),
	act('user.change_role', 2 * DAY, {
		own: false,
		actor_id: 'x',
		detail: 'candidate to tutor',
		ip: '',
		user_agent: ''
	}),
	act('factor.add', 3 * DAY, { detail: 'an authenticator app' }),
	act('user.register', 40 * DAY)
];

const account = (
	user: Schemas['User'],
	more: Partial<Schemas['Account']> = {}
): Schemas['Account'] => ({
	...user,
	disabled: false,
	invited: false,
	updated_at: ago(DAY),
	...more
});

export const admin: Schemas['User'] = {
	...tutor,
	id: 'x1',
	email: 'admin@demo.bedside',
	name: 'Robin Vale',
	role: 'admin'
};

export const accounts: Schemas['Account'][] = [
	account(
		{
			...candidate,
			id: 'n1',
			email: 'a-very-long-name-of-somebody-who-has-just-registered@students.university.example',
			name: 'Maximiliane Österreicher-Papadopoulou'
		},
		{ email_verified: false }
	),
	account(
		{
			...candidate,
			id: 'i1',
			email: 'ines@example.org',
			name: 'Inês Duarte',
			profession: '',
			email_verified: false
		},
		{ invited: true }
	),
	account(candidate),
	account(tutor),
	account(
		{
			...candidate,
			id: 'c9',
			email: 'gone@example.org',
			name: 'Min-jun Park',
			profession: 'physiotherapy'
		},
		{ disabled: true }
	),
	account(admin)
];

const NO_FACTORS: Schemas['FactorList'] = {
	totp: { enabled: false },
	recovery_codes_left: 0,
	passkeys: [],
	password: true
};

export const ALL_FACTORS: Schemas['FactorList'] = {
	totp: { enabled: true, since: ago(12 * DAY) },
	recovery_codes_left: 2,
	passkeys: [
		{ id: 'p1', name: 'Firefox on Linux', created_at: ago(12 * DAY), last_used_at: ago(DAY) },
		{ id: 'p2', name: 'The old telephone in the kitchen drawer', created_at: ago(300 * DAY) }
	],
	password: true
};

export const CODES = [
	'pix6-ea6q-om66-zjoj',
	'yaek-ctbr-6y3z-4ixg',
	'ci7n-q3t2-yw2o-vbrk',
	'ugnr-she6-6fwe-2jbs',
	'32hc-cyvr-pcta-egcm',
	'2sqj-cvux-iyy5-ygr3',
	'pt3q-tva2-ubyi-dv5w',
	'wr7b-dbxq-5tul-xlux',
	'qtyg-bito-rpul-3ggu',
	'vo4k-fvn4-rohc-mulr'
];

export const archive = (more: Partial<Schemas['Export']> = {}): Schemas['Export'] => ({
	id: 'e1',
	state: 'ready',
	progress: 1,
	created_at: ago(20),
	expires_at: ago(-2 * DAY),
	bytes: 48_300_000,
	...more
});

/** The usual answers about accounts; undefined when it is about something else. */
export function answer(
	method: string,
	path: string,
	user: Schemas['User'] | null
): { status: number; body?: object } | undefined {
	switch (`${method} ${path}`) {
		case 'GET /api/users/profile':
		case 'PATCH /api/users/profile':
			return { status: 200, body: user ?? candidate };
		case 'POST /api/users/profile/email':
			return { status: 202, body: { email: '', status: 'check_mail' } };
		case 'GET /api/users/profile/factors':
			return { status: 200, body: NO_FACTORS };
		case 'POST /api/users/profile/factors/totp':
			return {
				status: 200,
				body: {
					secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
					uri: 'otpauth://totp/Bedside:candidate@demo.bedside?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Bedside'
				}
			};
		case 'POST /api/users/profile/factors/totp/confirm':
		case 'POST /api/users/profile/factors/recovery-codes':
			return { status: 200, body: { recovery_codes: CODES } };
		case 'GET /api/users/profile/export':
			return { status: 404, body: { status: 404, detail: 'There is none.' } };
		case 'POST /api/users/profile/export':
			return { status: 202, body: archive({ state: 'queued', progress: 0 }) };
		case 'GET /api/sessions':
			return { status: 200, body: { items: devices } };
		case 'DELETE /api/sessions':
			return { status: 200, body: { ended: 2 } };
		case 'GET /api/audit':
			return { status: 200, body: { items: trail, next: 'act9' } };
		case 'POST /api/users':
			return { status: 201, body: accounts[1] };
		case 'GET /api/users':
			return { status: 200, body: { items: accounts, next: 'x1' } };
	}
	if (method === 'PATCH' && path.startsWith('/api/users/'))
		return { status: 200, body: { ...accounts[2], disabled: true } };
	if (method === 'DELETE' && path.startsWith('/api/sessions/user/'))
		return { status: 200, body: { ended: 3 } };
	if (/^\/api\/(users|sessions)\//.test(path)) return { status: 204 };
	return undefined;
}
