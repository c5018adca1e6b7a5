import {
	libraryScenario,
	schema,
	versions,
	type Schema,
	type ScenarioVersion
} from '$lib/api/library';

/** A scenario with its versions, newest first. */
export interface Past {
	id: string;
	title: string;
	schema: Schema;
	versions: ScenarioVersion[];
}

export async function past(id: string): Promise<Past> {
	const [scenario, format, list] = await Promise.all([
		libraryScenario(id),
		schema(),
		versions(id)
	]);
	return {
		id: scenario.id,
		title: scenario.title,
		schema: format,
		versions: list.toSorted((a, b) => b.version - a.version)
	};
}
