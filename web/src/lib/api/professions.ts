/** The professions that an account or a scenario may have, as the server spells them. */
export const PROFESSIONS = [
	'dentistry',
	'dietetics',
	'medicine',
	'nursing',
	'occupational-therapy',
	'optometry',
	'pharmacy',
	'physiotherapy',
	'podiatry',
	'radiography',
	'speech-pathology',
	'veterinary-science'
];

/** Returns a profession's name: Speech pathology for speech-pathology. */
export function professionName(slug: string): string {
	return slug.charAt(0).toUpperCase() + slug.slice(1).replaceAll('-', ' ');
}
