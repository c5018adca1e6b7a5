import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/** What every page needs: the framework, the shell, and the parts that pages are made of. */
const BASE = [
	/node_modules\/(svelte|@sveltejs|esm-env|clsx|devalue|@lucide|@fontsource)/,
	/\/src\/lib\/(ui|shell|api|styles)\//,
	/\/src\/(routes\/(\([a-z-]+\)\/)*\+(layout|error)|hooks\.client)/,
	/client-optimized\/(app|matchers)\.js$/,
	/^\0|^virtual:|vite\/preload-helper/
];

/** The pages on the way of a candidate to the sound check, and back to what was practised. */
const PRACTICE = [
	/\/src\/lib\/(practice|progress)\//,
	/\/src\/routes\/\([a-z-]+\)\/(\+page|(scenarios|practice)\/)/
];

const NODE = /client-optimized\/nodes\/\d+\.js$/;

/**
 * Puts the pages' code into few files: what every page needs, what the pages of a candidate need,
 * bits-ui, the reader of YAML for the library, and one or two files for each other page. With
 * SvelteKit's own splitting a page needs sixty requests before it can be used, and its
 * bundleStrategy 'single' makes one file of all pages. This keeps the one entry of 'single' and
 * splits the rest.
 */
export function bundles(): Plugin {
	return {
		name: 'bedside-bundles',
		enforce: 'post',
		config(config) {
			const output = config.build?.rollupOptions?.output;
			if (config.build?.ssr || !output || Array.isArray(output)) return;
			const group = (name: string, parts: RegExp[], priority: number) => ({
				name,
				priority,
				test: (id: string) => parts.some((part) => part.test(belongsTo(id)))
			});
			Object.assign(output, {
				codeSplitting: {
					groups: [
						group('base', BASE, 3),
						group('practice', PRACTICE, 2),
						group('yaml', [/node_modules\/yaml\//], 2),
						group('parts', [/node_modules/], 1)
					]
				}
			});
		}
	};
}

/** Returns the page or layout that a module of SvelteKit's loads, or else the module itself. */
function belongsTo(id: string): string {
	if (!NODE.test(id)) return id;
	return /from "(?:\.\.\/)*(\.\.\/src\/[^"]+)"/.exec(readFileSync(id, 'utf8'))?.[1] ?? id;
}
