import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import { readdirSync } from 'node:fs';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

// The layers of src/lib: ui is pure, api and gen know the server, media shows and uploads pictures
// on top of these three, an area uses these four, and routes put the areas together. Every other
// folder is an area, except the style sheets. Tests are held to the same rule.
const BASE = ['ui', 'api', 'gen', 'media'];
const AREAS = readdirSync(new URL('src/lib', import.meta.url)).filter(
	(folder) => ![...BASE, 'styles'].includes(folder)
);
/** What each folder may import from the others. */
const MAY_IMPORT = {
	ui: [],
	gen: [],
	api: ['gen'],
	media: ['ui', 'api', 'gen'],
	...Object.fromEntries(AREAS.map((area) => [area, BASE]))
};

/** Forbids a folder of src/lib to import from the folders that are not listed for it. */
function boundary([folder, allowed]) {
	const others = [...BASE, ...AREAS].filter(
		(other) => other !== folder && !allowed.includes(other)
	);
	const list = allowed.join(', ') || 'nothing';
	const message = `lib/${folder} may import ${list} of ours; routes put areas together`;
	return {
		files: [`src/lib/${folder}/**`],
		rules: {
			'no-restricted-imports': [
				'error',
				{
					patterns: others.map((other) => ({
						group: [`$lib/${other}`, `$lib/${other}/**`, `**/../${other}/**`],
						message
					}))
				}
			]
		}
	};
}

export default ts.config(
	{ ignores: ['build/', '.svelte-kit/', 'node_modules/', 'e2e/out/', 'src/lib/gen/'] },
	js.configs.recommended,
	...ts.configs.strict,
	...ts.configs.stylistic,
	...svelte.configs.recommended,
	{
		languageOptions: { globals: { ...globals.browser, ...globals.node } },
		rules: {
			'no-undef': 'off', // TypeScript knows better
			'no-console': 'error',
			eqeqeq: ['error', 'always', { null: 'ignore' }],
			'@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
			'@typescript-eslint/no-non-null-assertion': 'error',
			'svelte/no-at-html-tags': 'error',
			'svelte/button-has-type': 'error',
			'svelte/no-navigation-without-resolve': 'off', // there is no base path
			'svelte/prefer-svelte-reactivity': 'off' // maps and sets are replaced, not changed
		}
	},
	{
		files: ['**/*.svelte', '**/*.svelte.ts'],
		languageOptions: {
			parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig }
		}
	},
	...Object.entries(MAY_IMPORT).map(boundary)
);
