import { defineConfig } from 'vitest/config';

// Browser tests: one at a time, since a browser and a server fill two cores. `--mode pictures` makes the README's pictures instead.
export default defineConfig(({ mode }) => ({
	test: {
		include: [mode === 'pictures' ? 'e2e/pictures.ts' : 'e2e/**/*.test.ts'],
		fileParallelism: false,
		testTimeout: 180_000,
		hookTimeout: 60_000
	}
}));
