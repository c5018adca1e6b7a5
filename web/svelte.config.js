import adapter from '@sveltejs/adapter-static';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const html = readFileSync(new URL('src/app.html', import.meta.url), 'utf8');

/** Returns the source expression for the policy that allows the text of an element in app.html. */
function hashOf(element) {
	const text = new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(html)?.[1] ?? '';
	return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** @type {import('@sveltejs/kit').Config} */
export default {
	compilerOptions: { runes: true },
	kit: {
		// The server answers each unknown address with this page. It serves the .br and .gz files
		// as they are.
		adapter: adapter({ fallback: 'index.html', precompress: true }),
		// lib/shell/worker.ts does that, once a page is idle.
		serviceWorker: { register: false },
		// bundles.ts splits the bundle again.
		output: { bundleStrategy: 'single' },
		// The server sends this policy as a header too, with frame-ancestors, which a <meta>
		// cannot set.
		csp: {
			mode: 'hash',
			directives: {
				'default-src': ['none'],
				'script-src': ['self', hashOf('script')],
				'style-src': ['self', hashOf('style')],
				// The only style attribute is in SvelteKit's live region. The browser tests fail
				// when it changes.
				'style-src-attr': [
					'unsafe-hashes',
					'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='
				],
				'img-src': ['self', 'data:'],
				'font-src': ['self'],
				'media-src': ['self', 'blob:'],
				// The server's header narrows this down to its media nodes (policy.go).
				'connect-src': ['self', 'wss:', 'ws:'],
				'manifest-src': ['self'],
				'base-uri': ['none'],
				'form-action': ['self']
			}
		}
	}
};
