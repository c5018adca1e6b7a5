import { expect, it } from 'vitest';
import { isCurrent, LINKS, type Link } from './links';

const pages = Object.keys(import.meta.glob('../../routes/**/+page.svelte')).map((file) =>
	file
		.replace('../../routes', '')
		.replace('/+page.svelte', '')
		.replaceAll(/\/\([a-z-]+\)/g, '')
		.replace(/^$/, '/')
);

it.each(Object.entries(LINKS))('leads a %s to pages that exist', (_, links) => {
	const missing = links.map((link) => link.href).filter((href) => !pages.includes(href));
	expect(missing).toEqual([]);
	expect(new Set(links.map((link) => link.href)).size).toBe(links.length);
});

it('leads tutors and administrators, and nobody else, to the pages behind their role', () => {
	const behind = Object.keys(import.meta.glob('../../routes/**/+page.svelte'))
		.map((file) => /\/\(tutor\)(\/[a-z-]+)\/\+page/.exec(file)?.[1] ?? '')
		.filter(Boolean);
	expect(behind.length).toBeGreaterThan(0);
	const hrefs = (role: keyof typeof LINKS) => LINKS[role].map((link) => link.href);
	for (const role of ['tutor', 'admin'] as const)
		expect(hrefs(role)).toEqual(expect.arrayContaining(behind));
	for (const role of ['guest', 'candidate'] as const)
		expect(hrefs(role).filter((href) => behind.includes(href))).toEqual([]);
});

it('marks the page that is shown, also when it is below the link’s', () => {
	const link = (href: string) => ({ href }) as Link;
	expect(isCurrent(link('/'), '/')).toBe(true);
	expect(isCurrent(link('/'), '/scenarios')).toBe(false);
	expect(isCurrent(link('/scenarios'), '/scenarios/insulin')).toBe(true);
	expect(isCurrent(link('/exam'), '/exams/1')).toBe(false);
});
