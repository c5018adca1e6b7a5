import { defineConfig } from 'vitest/config';

const MOCKED = ['e2e/**/*screens.test.ts', 'e2e/docs.test.ts'];

/**
 * Browser tests. `--mode pictures` takes the README's screenshots instead, `--mode sample` makes
 * the sample report again. Tests with a mock
 * server mostly wait, so two files run at a time. The tests with a real server run after them, one
 * at a time: a browser that speaks and a server use both cores.
 */
export default defineConfig(({ mode }) => {
	const common = { testTimeout: 180_000, hookTimeout: 60_000 };
	if (mode === 'pictures') return { test: { ...common, include: ['e2e/pictures.ts'] } };
	if (mode === 'icons') return { test: { ...common, include: ['e2e/icons.ts'] } };
	if (mode === 'sample') return { test: { ...common, include: ['e2e/sample.ts'] } };
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
