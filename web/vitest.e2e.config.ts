import { defineConfig } from 'vitest/config';

const MOCKED = ['e2e/**/*screens.test.ts', 'e2e/docs.test.ts'];

/**
 * Browser tests. `--mode pictures` makes the README's pictures instead. Those whose server only answers what it is told wait more than they work, and
 * run two at a time; those of role plays run after them, one at a time, since a browser that speaks and a server fill two cores.
 */
export default defineConfig(({ mode }) => {
	const common = { testTimeout: 180_000, hookTimeout: 60_000 };
	if (mode === 'pictures') return { test: { ...common, include: ['e2e/pictures.ts'] } };
	if (mode === 'lossy-link') return { test: { ...common, include: ['e2e/lossy-link.ts'] } };
	return {
		test: {
			projects: [
				{
					test: {
						...common,
						name: 'screens',
						include: MOCKED,
						maxWorkers: 2,
						sequence: { groupOrder: 1 }
					}
				},
				{
					test: {
						...common,
						name: 'real',
						include: ['e2e/**/*.test.ts'],
						exclude: MOCKED,
						fileParallelism: false,
						sequence: { groupOrder: 2 }
					}
				}
			]
		}
	};
});
