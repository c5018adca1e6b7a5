import { catalogue } from '$lib/api/catalogue';
import type { ScenarioFacets, ScenarioSummary } from '$lib/api/types';
import { PagedList } from '$lib/ui/paged.svelte';

/** The part of the catalogue that some filters leave. */
export class Catalogue {
	readonly query: URLSearchParams;
	readonly list: PagedList<ScenarioSummary>;
	/** The number of scenarios on all pages. */
	total = $state(0);
	/** How many scenarios each value of a filter would leave; undefined until the first page. */
	facets = $state.raw<ScenarioFacets | undefined>();

	constructor(query: URLSearchParams) {
		this.query = query;
		this.list = new PagedList(async (before) => {
			const page = await catalogue(query, before);
			this.total = page.total;
			this.facets = page.facets;
			return page;
		});
	}
}

/** Starts to load the first page, for a load function. */
export function startCatalogue(query: URLSearchParams): Catalogue {
	const found = new Catalogue(query);
	void found.list.load();
	return found;
}
