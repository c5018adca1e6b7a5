/// <reference types="@sveltejs/kit" />
/// <reference no-default-lib="true" />
/// <reference lib="esnext" />
/// <reference lib="webworker" />
// The service worker of the installed app. It keeps the files of this build, whose names contain a
// hash of their content, and a page for the time without a connection. Pages themselves always
// come from the server, so no old version stays; answers of the API, recordings and everything
// else pass by untouched, and are never kept.
import { build, version } from '$service-worker';

const worker = self as unknown as ServiceWorkerGlobalScope;

const PREFIX = 'bedside-';
const CACHE = PREFIX + version;
const OFFLINE = '/offline.html';
/** Fonts are kept for the letters that the app's own texts use. */
const HASHED = build.filter((path) => !path.endsWith('.woff2') || /-latin-wght/.test(path));
/** Small files without a hash in their names: each version fetches them anew. */
const PLAIN = [OFFLINE, '/offline.css', '/favicon.svg'];
const KEPT = new Set([...build, ...PLAIN]);
/** Addresses that the server answers itself, as files to keep or for programs. */
const SERVERS = /^\/(api|auth|dev|docs|health|users|sessions|ws|openapi\.json)(\/|$)/;

worker.addEventListener('install', (event) => {
	event.waitUntil(keep().then(() => worker.skipWaiting()));
});

worker.addEventListener('activate', (event) => {
	event.waitUntil(forget().then(() => worker.clients.claim()));
});

worker.addEventListener('fetch', (event) => {
	const { request } = event;
	const url = new URL(request.url);
	if (request.method !== 'GET' || url.origin !== worker.location.origin) return;
	if (request.mode === 'navigate') {
		if (!SERVERS.test(url.pathname)) event.respondWith(page(request));
	} else if (KEPT.has(url.pathname) || url.pathname.startsWith('/_app/immutable/')) {
		event.respondWith(file(request));
	}
});

/** Fills this version's cache. What an earlier version has kept is not fetched again. */
async function keep(): Promise<void> {
	const cache = await caches.open(CACHE);
	await cache.addAll(PLAIN.map((path) => new Request(path, { cache: 'reload' })));
	for (const path of HASHED) {
		const known = await caches.match(path);
		if (known) await cache.put(path, known);
		else await cache.add(path);
	}
}

/**
 * Deletes the caches of earlier versions but the last one's: pages that were opened before this
 * version may still ask for its files, which the server no longer has.
 */
async function forget(): Promise<void> {
	const earlier = (await caches.keys()).filter((key) => key.startsWith(PREFIX) && key !== CACHE);
	await Promise.all(earlier.slice(0, -1).map((key) => caches.delete(key)));
}

async function page(request: Request): Promise<Response> {
	try {
		return await fetch(request);
	} catch (error) {
		const offline = await caches.match(OFFLINE);
		if (!offline) throw error;
		return offline;
	}
}

async function file(request: Request): Promise<Response> {
	return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}
