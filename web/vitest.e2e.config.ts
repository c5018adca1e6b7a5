import { defineConfig } from 'vitest/config';

// Browser tests: one at a time, since a browser and a server fill two cores.
export default defineConfig({
	test: {
		include: ['e2e/**/*.test.ts'],
		fileParallelism: false,
		testTimeout: 180_000,
		hookTimeout: 60_000
	}
});
