import { sveltekit } from '@sveltejs/kit/vite';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';
import { bundles } from './bundles';

const server = process.env.BEDSIDE_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
	plugins: [sveltekit(), svelteTesting(), bundles()],
	build: { assetsInlineLimit: 0 },
	// `npm run dev` passes everything that is not a page to a server started with `bedside serve`.
	server: {
		proxy: {
			'/api': server,
			'/auth': server,
			'/docs': server,
			'/openapi.json': server,
			'/ws': { target: server, ws: true }
		}
	},
	test: {
		environment: 'happy-dom',
		include: ['src/**/*.test.ts'],
		restoreMocks: true
	}
});
